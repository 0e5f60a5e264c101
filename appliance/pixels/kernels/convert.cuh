// Conversions of whole surfaces: NV12 to BGRx for a display, and what cameras and jetson-utils give
// (YUYV, BGRx) to the NV12 of the frame path. Twins: surfaces.nv12_to_bgrx, yuyv_to_nv12,
// bgrx_to_nv12. One thread makes 8 columns of two rows.
#pragma once

constexpr int COLUMNS = 8;

// matrix: 3x4 from (Y, Cb, Cr, 1) to (B, G, R). Chroma is repeated over its 2x2 block. Odd sides are
// fine. Must move: 1.5 bytes a pixel in, 4 out.
extern "C" __global__ void __launch_bounds__(128)
nv12_to_bgrx(const u8 *y, int y_pitch, const u8 *uv, int uv_pitch, int width, int height,
             const float *matrix, u8 *out, int out_pitch) {
    int x = COLUMNS * (blockIdx.x * blockDim.x + threadIdx.x);
    int line = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || line >= height) return;
    int n = min(COLUMNS, width - x);
    float m[12];
#pragma unroll
    for (int k = 0; k < 12; ++k) m[k] = __ldg(matrix + k);
    const u8 *pairs = uv + (long long)(line / 2) * uv_pitch + x;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
        if (line + r >= height) break;
        const u8 *from = y + (long long)(line + r) * y_pitch + x;
        u8 *to = out + (long long)(line + r) * out_pitch + 4 * x;
        bool words = aligned(to, 4);
#pragma unroll
        for (int i = 0; i < COLUMNS; ++i) {
            if (i >= n) break;
            float luma = __ldg(from + i), cb = __ldg(pairs + i / 2 * 2);
            float cr = __ldg(pairs + i / 2 * 2 + 1);
            u8 pixel[4];
#pragma unroll
            for (int c = 0; c < 3; ++c)
                pixel[c] = to_byte_clamped(m[4 * c] * luma + m[4 * c + 1] * cb + m[4 * c + 2] * cr +
                                           m[4 * c + 3]);
            pixel[3] = 255;
            if (words)
                ((u32 *)to)[i] = word_of(pixel);
            else
                for (int c = 0; c < 4; ++c) to[4 * i + c] = pixel[c];
        }
    }
}

// YUYV to NV12: luma as it is, chroma the mean of two lines. Even sides.
// Must move: 2 bytes a pixel in, 1.5 out.
extern "C" __global__ void __launch_bounds__(128)
yuyv_to_nv12(const u8 *pixels, int pitch, int width, int height, u8 *y, int y_pitch, u8 *uv,
             int uv_pitch) {
    int x = COLUMNS * (blockIdx.x * blockDim.x + threadIdx.x);
    int line = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || line >= height) return;
    int n = min(COLUMNS, width - x);
    u8 upper[2 * COLUMNS], lower[2 * COLUMNS];
    load_bytes(pixels + (long long)line * pitch + 2 * x, 2 * n, upper);
    load_bytes(pixels + (long long)(line + 1) * pitch + 2 * x, 2 * n, lower);
#pragma unroll
    for (int i = 0; i < COLUMNS; ++i) {
        if (i >= n) break;
        y[(long long)line * y_pitch + x + i] = upper[2 * i];
        y[(long long)(line + 1) * y_pitch + x + i] = lower[2 * i];
        uv[(long long)(line / 2) * uv_pitch + x + i] =
            (u8)((upper[2 * i + 1] + lower[2 * i + 1] + 1) >> 1);
    }
}

// BGRx to NV12: matrix 3x4 from (B, G, R, 1) to (Y, Cb, Cr); chroma the mean of 2x2. Even sides.
// Must move: 4 bytes a pixel in, 1.5 out.
extern "C" __global__ void __launch_bounds__(128)
bgrx_to_nv12(const u8 *pixels, int pitch, int width, int height, const float *matrix, u8 *y,
             int y_pitch, u8 *uv, int uv_pitch) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int line = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || line >= height) return;
    float mean[3] = {0, 0, 0};
#pragma unroll
    for (int r = 0; r < 2; ++r) {
        u8 made[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const u8 *p = pixels + (long long)(line + r) * pitch + 4 * (x + i);
            float luma = __ldg(matrix + 3);
#pragma unroll
            for (int c = 0; c < 3; ++c) {
                float v = __ldg(p + c);
                mean[c] += 0.25f * v;
                luma += __ldg(matrix + c) * v;
            }
            made[i] = to_byte_clamped(luma);
        }
        u8 *to = y + (long long)(line + r) * y_pitch + x;
        to[0] = made[0];
        to[1] = made[1];
    }
    u8 *to = uv + (long long)(line / 2) * uv_pitch + x;
#pragma unroll
    for (int c = 0; c < 2; ++c) {
        const float *m = matrix + 4 * (c + 1);
        to[c] = to_byte_clamped(m[0] * mean[0] + m[1] * mean[1] + m[2] * mean[2] + m[3]);
    }
}
