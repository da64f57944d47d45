// The ops of the CPU backend. A backend supports exactly the ops in its table (ops/table.cc).
#pragma once

#include <string>
#include <unordered_map>

#include "backends/backend.h"

namespace senet::cpu {

using Prepare = StepPlan (*)(const PrepareContext&);

// Op name to the function that prepares its step.
const std::unordered_map<std::string, Prepare>& op_table();

// One function per op, in ops/<op>.cc; the grads of an op live in its file.
StepPlan prepare_conv2d(const PrepareContext&);  // conv2d and conv2d_fused
StepPlan prepare_conv2d_grad_input(const PrepareContext&);
StepPlan prepare_conv2d_grad_weight(const PrepareContext&);
StepPlan prepare_linear(const PrepareContext&);
StepPlan prepare_linear_grad_input(const PrepareContext&);
StepPlan prepare_linear_grad_weight(const PrepareContext&);
StepPlan prepare_batch_norm(const PrepareContext&);
StepPlan prepare_batch_norm_grad(const PrepareContext&);
StepPlan prepare_norm_activation(const PrepareContext&);
StepPlan prepare_norm_activation_grad(const PrepareContext&);
StepPlan prepare_norm_tail(const PrepareContext&);
StepPlan prepare_norm_tail_grad(const PrepareContext&);
StepPlan prepare_excite(const PrepareContext&);
StepPlan prepare_excite_grad(const PrepareContext&);
StepPlan prepare_activation(const PrepareContext&);
StepPlan prepare_activation_grad(const PrepareContext&);
StepPlan prepare_max_pool(const PrepareContext&);
StepPlan prepare_max_pool_grad(const PrepareContext&);
StepPlan prepare_avg_pool(const PrepareContext&);
StepPlan prepare_avg_pool_grad(const PrepareContext&);
StepPlan prepare_global_avg_pool(const PrepareContext&);
StepPlan prepare_global_avg_pool_grad(const PrepareContext&);
StepPlan prepare_global_max_pool(const PrepareContext&);
StepPlan prepare_global_max_pool_grad(const PrepareContext&);
StepPlan prepare_add(const PrepareContext&);
StepPlan prepare_multiply(const PrepareContext&);
StepPlan prepare_multiply_reduce(const PrepareContext&);
StepPlan prepare_concat(const PrepareContext&);
StepPlan prepare_channel_slice(const PrepareContext&);
StepPlan prepare_channel_slice_grad(const PrepareContext&);
StepPlan prepare_channel_shuffle(const PrepareContext&);
StepPlan prepare_pad(const PrepareContext&);
StepPlan prepare_normalise_pixels(const PrepareContext&);
StepPlan prepare_flatten(const PrepareContext&);
StepPlan prepare_unflatten(const PrepareContext&);
StepPlan prepare_reshape(const PrepareContext&);
StepPlan prepare_convert(const PrepareContext&);  // between layouts; made by lower()
StepPlan prepare_dropout(const PrepareContext&);
StepPlan prepare_scale(const PrepareContext&);
StepPlan prepare_shake(const PrepareContext&);
StepPlan prepare_shake_grad(const PrepareContext&);
StepPlan prepare_softmax(const PrepareContext&);
StepPlan prepare_softmax_cross_entropy(const PrepareContext&);
StepPlan prepare_softmax_cross_entropy_grad(const PrepareContext&);
StepPlan prepare_top_k_correct(const PrepareContext&);
StepPlan prepare_fill(const PrepareContext&);
StepPlan prepare_sgd(const PrepareContext&);
StepPlan prepare_adamw(const PrepareContext&);
StepPlan prepare_clip_factor(const PrepareContext&);
StepPlan prepare_accumulate(const PrepareContext&);
StepPlan prepare_ema_update(const PrepareContext&);
StepPlan prepare_running_update(const PrepareContext&);
StepPlan prepare_assert_finite(const PrepareContext&);
StepPlan prepare_fold_batch_norm(const PrepareContext&);
StepPlan prepare_matmul(const PrepareContext&);

}  // namespace senet::cpu
