// The ops of the CUDA backend. A backend supports exactly the ops in its table (ops/table.cc).
#pragma once

#include <string>
#include <unordered_map>

#include "backends/backend.h"
#include "backends/cuda/dnn.h"
#include "backends/cuda/runtime.h"

namespace senet::cuda {

// What ops prepare their steps with.
struct Kit {
  std::shared_ptr<const Stream> stream;
  Dnn* dnn;
  // float32 products may be rounded to TF32.
  bool tf32;
  // Choose between ways to compute the same by timing them.
  bool autotune;
  // Not 0 after a check of the running step failed: nothing may write to parameters and states any more. One
  // word of device memory, cleared by the first step of a run.
  int32_t* failed;
};

using Prepare = StepPlan (*)(const Kit&, const PrepareContext&);

// Op name to the function that prepares its step.
const std::unordered_map<std::string, Prepare>& op_table();

// One function per op, in ops/<op>.cc; the grads of an op live in its file.
StepPlan prepare_conv2d(const Kit&, const PrepareContext&);  // conv2d_fused, too
StepPlan prepare_conv2d_grad_input(const Kit&, const PrepareContext&);
StepPlan prepare_conv2d_grad_weight(const Kit&, const PrepareContext&);
StepPlan prepare_linear(const Kit&, const PrepareContext&);
StepPlan prepare_linear_grad_input(const Kit&, const PrepareContext&);
StepPlan prepare_linear_grad_weight(const Kit&, const PrepareContext&);
StepPlan prepare_matmul(const Kit&, const PrepareContext&);
StepPlan prepare_batch_norm(const Kit&, const PrepareContext&);
StepPlan prepare_batch_norm_grad(const Kit&, const PrepareContext&);
StepPlan prepare_norm_activation(const Kit&, const PrepareContext&);
StepPlan prepare_norm_activation_grad(const Kit&, const PrepareContext&);
StepPlan prepare_norm_tail(const Kit&, const PrepareContext&);
StepPlan prepare_norm_tail_grad(const Kit&, const PrepareContext&);
StepPlan prepare_excite(const Kit&, const PrepareContext&);
StepPlan prepare_excite_grad(const Kit&, const PrepareContext&);
StepPlan prepare_activation(const Kit&, const PrepareContext&);
StepPlan prepare_activation_grad(const Kit&, const PrepareContext&);
StepPlan prepare_max_pool(const Kit&, const PrepareContext&);
StepPlan prepare_max_pool_grad(const Kit&, const PrepareContext&);
StepPlan prepare_avg_pool(const Kit&, const PrepareContext&);
StepPlan prepare_avg_pool_grad(const Kit&, const PrepareContext&);
StepPlan prepare_global_avg_pool(const Kit&, const PrepareContext&);
StepPlan prepare_global_avg_pool_grad(const Kit&, const PrepareContext&);
StepPlan prepare_global_max_pool(const Kit&, const PrepareContext&);
StepPlan prepare_global_max_pool_grad(const Kit&, const PrepareContext&);
StepPlan prepare_add(const Kit&, const PrepareContext&);
StepPlan prepare_multiply(const Kit&, const PrepareContext&);
StepPlan prepare_multiply_reduce(const Kit&, const PrepareContext&);
StepPlan prepare_concat(const Kit&, const PrepareContext&);
StepPlan prepare_channel_slice(const Kit&, const PrepareContext&);
StepPlan prepare_channel_slice_grad(const Kit&, const PrepareContext&);
StepPlan prepare_channel_shuffle(const Kit&, const PrepareContext&);
StepPlan prepare_pad(const Kit&, const PrepareContext&);
StepPlan prepare_normalise_pixels(const Kit&, const PrepareContext&);
StepPlan prepare_flatten(const Kit&, const PrepareContext&);
StepPlan prepare_unflatten(const Kit&, const PrepareContext&);
StepPlan prepare_reshape(const Kit&, const PrepareContext&);
StepPlan prepare_convert(const Kit&, const PrepareContext&);  // between storage types; made by lower()
StepPlan prepare_dropout(const Kit&, const PrepareContext&);
StepPlan prepare_scale(const Kit&, const PrepareContext&);
StepPlan prepare_shake(const Kit&, const PrepareContext&);
StepPlan prepare_shake_grad(const Kit&, const PrepareContext&);
StepPlan prepare_softmax(const Kit&, const PrepareContext&);
StepPlan prepare_softmax_cross_entropy(const Kit&, const PrepareContext&);
StepPlan prepare_softmax_cross_entropy_grad(const Kit&, const PrepareContext&);
StepPlan prepare_top_k_correct(const Kit&, const PrepareContext&);
StepPlan prepare_fill(const Kit&, const PrepareContext&);
StepPlan prepare_loss_scale(const Kit&, const PrepareContext&);
StepPlan prepare_loss_scale_update(const Kit&, const PrepareContext&);
StepPlan prepare_sgd(const Kit&, const PrepareContext&);
StepPlan prepare_adamw(const Kit&, const PrepareContext&);
StepPlan prepare_clip_factor(const Kit&, const PrepareContext&);
StepPlan prepare_accumulate(const Kit&, const PrepareContext&);
StepPlan prepare_ema_update(const Kit&, const PrepareContext&);
StepPlan prepare_running_update(const Kit&, const PrepareContext&);
StepPlan prepare_assert_finite(const Kit&, const PrepareContext&);
StepPlan prepare_fold_batch_norm(const Kit&, const PrepareContext&);

}  // namespace senet::cuda
