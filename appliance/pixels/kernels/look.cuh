// A look, by table. Twin: apply_look.
#pragma once

// Bayer's matrix of 8x8 (1973), as thresholds 2, 6, ... 254: twin of THRESHOLDS.
__device__ static inline int threshold_at(int x, int y) {
    int made = 0;
#pragma unroll
    for (int bit = 0; bit < 3; ++bit)
        made |= ((x ^ y) >> bit & 1) << (5 - 2 * bit) | (y >> bit & 1) << (4 - 2 * bit);
    return 4 * made + 2;
}

// Every sample of a part of the frame, looked up at (Cb, Cr, Y): in steps of 1/256; chroma
// with the mean of its four luma samples. May write over what it reads. A thread makes a block of
// 2x2 luma samples and the chroma sample between them. Must move: 1.5 bytes a pixel in and 1.5 out,
// and of the tables what the picture's colours touch, 3 bytes a pixel at least.
extern "C" __global__ void
apply_look(const u8 *in_y, int in_y_pitch, const u8 *in_uv, int in_uv_pitch, u8 *out_y,
           int out_y_pitch, u8 *out_uv, int out_uv_pitch, const unsigned short *luma,
           const unsigned short *chroma, int left, int top, int right, int bottom) {
    int x = left + 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = top + 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= right || y >= bottom) return;
    const u8 *colour = in_uv + (long long)(y / 2) * in_uv_pitch + x;
    int at = (colour[0] << 16) | (colour[1] << 8), sum = 2;
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            int value = in_y[(long long)(y + r) * in_y_pitch + x + i];
            sum += value;
            int now = __ldg(luma + at + value) + threshold_at(x + i, y + r);
            out_y[(long long)(y + r) * out_y_pitch + x + i] = (u8)(now >> 8);
        }
    const unsigned short *now = chroma + 2LL * (at + (sum >> 2));
    u8 *to = out_uv + (long long)(y / 2) * out_uv_pitch + x;
    int add = threshold_at(x / 2, y / 2);
    to[0] = (u8)((__ldg(now) + add) >> 8);
    to[1] = (u8)((__ldg(now + 1) + 256 - add) >> 8);
}
