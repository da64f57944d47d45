// flatten: a map x [N,P,C] of storage T as a float vector y [N, C*P] in the order C, H, W; unflatten: back.
// Each image is a transposed matrix: a block takes a tile of 32 positions and 32 channels through shared
// memory, so that reads and writes both go side by side.
#include "backends/cuda/device/shared.cuh"
#include "backends/cuda/device/storage.cuh"
#include "backends/cuda/kernels/kernels.h"
#include "backends/cuda/launch.cuh"

namespace senet::cuda {
namespace {

constexpr int kFlattenTile = 32, kFlattenRows = 8;

// out [matrices, columns, rows] = in [matrices, rows, columns] transposed.
template <typename From, typename To>
__global__ void __launch_bounds__(kFlattenTile* kFlattenRows)
    transpose_kernel(const From* in, To* out, int64_t rows, int64_t columns) {
  // One column more than the tile has keeps a column's elements in different banks.
  SENET_SHARED(float, tile, kFlattenTile*(kFlattenTile + 1));
  const int64_t column_tiles = (columns + kFlattenTile - 1) / kFlattenTile,
                row_tiles = (rows + kFlattenTile - 1) / kFlattenTile;
  const int64_t row0 = blockIdx.x / column_tiles % row_tiles * kFlattenTile,
                column0 = blockIdx.x % column_tiles * kFlattenTile;
  const int64_t matrix = blockIdx.x / (column_tiles * row_tiles) * rows * columns;
  const int x = static_cast<int>(threadIdx.x);
  for (int y = static_cast<int>(threadIdx.y); y < kFlattenTile; y += kFlattenRows) {
    if (row0 + y < rows && column0 + x < columns) {
      tile[y * (kFlattenTile + 1) + x] = to_float(in[matrix + (row0 + y) * columns + column0 + x]);
    }
  }
  __syncthreads();
  for (int y = static_cast<int>(threadIdx.y); y < kFlattenTile; y += kFlattenRows) {
    if (row0 + x < rows && column0 + y < columns) {
      from_float(tile[x * (kFlattenTile + 1) + y], out[matrix + (column0 + y) * rows + row0 + x]);
    }
  }
}

template <typename From, typename To>
void transpose(const char* name, const From* in, To* out, int64_t matrices, int64_t rows, int64_t columns,
               cudaStream_t stream) {
  const int64_t tiles =
      (rows + kFlattenTile - 1) / kFlattenTile * ((columns + kFlattenTile - 1) / kFlattenTile);
  launch(name, transpose_kernel<From, To>, dim3(static_cast<unsigned>(matrices * tiles)),
         dim3(kFlattenTile, kFlattenRows), 0, stream, in, out, rows, columns);
}

}  // namespace

template <typename T>
void flatten(const T* x, float* y, const MapSize& size, cudaStream_t stream) {
  transpose("flatten_kernel", x, y, size.images, size.positions, size.channels, stream);
}

template <typename T>
void unflatten(const float* dy, T* dx, const MapSize& size, cudaStream_t stream) {
  transpose("unflatten_kernel", dy, dx, size.images, size.channels, size.positions, stream);
}

#define SENET_INSTANTIATE(T)                                             \
  template void flatten(const T*, float*, const MapSize&, cudaStream_t); \
  template void unflatten(const float*, T*, const MapSize&, cudaStream_t);
SENET_INSTANTIATE(float)
SENET_INSTANTIATE(__half)
SENET_INSTANTIATE(__nv_bfloat16)
#undef SENET_INSTANTIATE

}  // namespace senet::cuda
