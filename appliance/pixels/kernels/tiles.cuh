// Tiles: the alpha of one part of the frame, laid onto a grid that covers another. Twin: join_tiles.
#pragma once

// out becomes the larger of itself (0 for the first tile) and the tile's alpha, the mean of samples x
// samples a pixel. What is not a number stays: the verdict has to see it. w leads from a grid that is
// `samples` times finer than out.
template <class T>
__device__ __forceinline__ void lay(const T *raw, int stride, const Warp &w, int samples, int first,
                                    float *out, int rows, int columns) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= columns || y >= rows) return;
    long long at = (long long)y * columns + x;
    float sum = 0;
    for (int j = 0; j < samples; ++j)
        for (int i = 0; i < samples; ++i)
            sum += bilinear(raw, stride, w, (x * samples + i) * w.scale_x + w.shift_x,
                            (y * samples + j) * w.scale_y + w.shift_y, 0.0f);
    float v = sum / (float)(samples * samples), before = first ? 0.0f : out[at];
    out[at] = before > v || before != before ? before : v;
}

// raw: tile_rows x tile_columns at `stride` elements a row. One launch a tile.
// Must move: 4 (fp16: 2) bytes a pixel of the tile in; 4 bytes a pixel of the grid out, after the
// first tile also in.
extern "C" __global__ void join_tiles_f32(const float *raw, int stride, int tile_rows,
                                          int tile_columns, float scale_x, float shift_x,
                                          float scale_y, float shift_y, int samples, int first,
                                          float *out, int rows, int columns) {
    Warp w = {scale_x, shift_x, scale_y, shift_y, tile_rows, tile_columns, 0};
    lay(raw, stride, w, samples, first, out, rows, columns);
}

extern "C" __global__ void join_tiles_f16(const __half *raw, int stride, int tile_rows,
                                          int tile_columns, float scale_x, float shift_x,
                                          float scale_y, float shift_y, int samples, int first,
                                          float *out, int rows, int columns) {
    Warp w = {scale_x, shift_x, scale_y, shift_y, tile_rows, tile_columns, 0};
    lay(raw, stride, w, samples, first, out, rows, columns);
}
