// The person's soft shadow on what is behind. Twins: feet, contact_shadow, darken.
#pragma once

constexpr int LOWEST_THREADS = 256;

// The last row with alpha of 128 or more, -1 for none: one block. Must move: 1 byte a cell.
extern "C" __global__ void lowest(const u8 *alpha, int rows, int columns, int *row) {
    __shared__ int found;
    if (threadIdx.x == 0) found = -1;
    __syncthreads();
    int mine = -1;
    for (int i = threadIdx.x; i < rows * columns; i += LOWEST_THREADS)
        if (__ldg(alpha + i) >= 128) mine = i / columns;
    if (mine >= 0) atomicMax(&found, mine);
    __syncthreads();
    if (threadIdx.x == 0) *row = found;
}

// Where the person ends downwards, near the lowest point. Must move: 3 bytes a cell.
extern "C" __global__ void feet(const u8 *alpha, int rows, int columns, const int *row, int down,
                                int reach, u8 *out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= columns || j >= rows) return;
    int low = __ldg(row);
    float below = __ldg(alpha + min(j + down, rows - 1) * columns + i);
    float weight = low < 0 ? 0.0f : clampf((float)(j - (low - reach)) / reach, 0.0f, 1.0f);
    out[j * columns + i] = to_byte(__ldg(alpha + j * columns + i) * (255.0f - below) / 255 * weight);
}

// What is left of the light, from both planes out of focus, each lower by some rows.
// Must move: 3 bytes a cell.
extern "C" __global__ void shade(const u8 *wall, const u8 *foot, int rows, int columns,
                                 int wall_down, int foot_down, float wall_dark, float foot_dark,
                                 float strength, u8 *out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= columns || j >= rows) return;
    float dark = wall_dark * __ldg(wall + max(j - wall_down, 0) * columns + i) +
                 foot_dark * __ldg(foot + max(j - foot_down, 0) * columns + i);
    out[j * columns + i] = to_byte_clamped(255.0f - strength * fminf(dark, 255.0f));
}

__device__ __forceinline__ u8 dimmed(u8 value, u8 shade, float zero) {
    return to_byte(zero + ((float)value - zero) * ((float)shade * (1.0f / 255.0f)));
}

// A picture with a part of its light taken away; a thread makes 2x2 samples. black: its luma.
// Must move: 2.5 bytes a pixel in, 1.5 out.
extern "C" __global__ void darken(const u8 *bg_y, int bg_y_pitch, const u8 *bg_uv, int bg_uv_pitch,
                                  const u8 *shade, int shade_pitch, u8 *out_y, int out_y_pitch,
                                  u8 *out_uv, int out_uv_pitch, int width, int height, float black) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || y >= height) return;
    u8 first = __ldg(shade + (long long)y * shade_pitch + x);
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i)
            out_y[(long long)(y + r) * out_y_pitch + x + i] =
                dimmed(__ldg(bg_y + (long long)(y + r) * bg_y_pitch + x + i),
                       __ldg(shade + (long long)(y + r) * shade_pitch + x + i), black);
#pragma unroll
    for (int i = 0; i < 2; ++i)
        out_uv[(long long)(y / 2) * out_uv_pitch + x + i] =
            dimmed(__ldg(bg_uv + (long long)(y / 2) * bg_uv_pitch + x + i), first, 128.0f);
}
