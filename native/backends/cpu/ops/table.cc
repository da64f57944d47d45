// Every op of the CPU backend; a new one adds a line here and a declaration in table.h.
#include "backends/cpu/table.h"

namespace senet::cpu {

const std::unordered_map<std::string, Prepare>& op_table() {
  // Never destroyed, like everything that threads may still use when the process ends.
  static const auto* table = new std::unordered_map<std::string, Prepare>{
      {"conv2d", prepare_conv2d},
      {"conv2d_fused", prepare_conv2d},
      {"conv2d_grad_input", prepare_conv2d_grad_input},
      {"conv2d_grad_weight", prepare_conv2d_grad_weight},
      {"linear", prepare_linear},
      {"linear_grad_input", prepare_linear_grad_input},
      {"linear_grad_weight", prepare_linear_grad_weight},
      {"batch_norm", prepare_batch_norm},
      {"batch_norm_grad", prepare_batch_norm_grad},
      {"norm_activation", prepare_norm_activation},
      {"norm_activation_grad", prepare_norm_activation_grad},
      {"norm_tail", prepare_norm_tail},
      {"norm_tail_grad", prepare_norm_tail_grad},
      {"excite", prepare_excite},
      {"excite_grad", prepare_excite_grad},
      {"activation", prepare_activation},
      {"activation_grad", prepare_activation_grad},
      {"max_pool", prepare_max_pool},
      {"max_pool_grad", prepare_max_pool_grad},
      {"avg_pool", prepare_avg_pool},
      {"avg_pool_grad", prepare_avg_pool_grad},
      {"global_avg_pool", prepare_global_avg_pool},
      {"global_avg_pool_grad", prepare_global_avg_pool_grad},
      {"global_max_pool", prepare_global_max_pool},
      {"global_max_pool_grad", prepare_global_max_pool_grad},
      {"add", prepare_add},
      {"multiply", prepare_multiply},
      {"multiply_reduce", prepare_multiply_reduce},
      {"concat", prepare_concat},
      {"channel_slice", prepare_channel_slice},
      {"channel_slice_grad", prepare_channel_slice_grad},
      {"channel_shuffle", prepare_channel_shuffle},
      {"pad", prepare_pad},
      {"normalise_pixels", prepare_normalise_pixels},
      {"flatten", prepare_flatten},
      {"unflatten", prepare_unflatten},
      {"reshape", prepare_reshape},
      {"convert", prepare_convert},
      {"dropout", prepare_dropout},
      {"scale", prepare_scale},
      {"shake", prepare_shake},
      {"shake_grad", prepare_shake_grad},
      {"softmax", prepare_softmax},
      {"softmax_cross_entropy", prepare_softmax_cross_entropy},
      {"softmax_cross_entropy_grad", prepare_softmax_cross_entropy_grad},
      {"top_k_correct", prepare_top_k_correct},
      {"fill", prepare_fill},
      {"sgd", prepare_sgd},
      {"adamw", prepare_adamw},
      {"clip_factor", prepare_clip_factor},
      {"accumulate", prepare_accumulate},
      {"ema_update", prepare_ema_update},
      {"running_update", prepare_running_update},
      {"assert_finite", prepare_assert_finite},
      {"fold_batch_norm", prepare_fold_batch_norm},
      {"matmul", prepare_matmul},
  };
  return *table;
}

}  // namespace senet::cpu
