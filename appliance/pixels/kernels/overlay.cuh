// A caption over a finished picture. Twin: blend_overlay.
//
// Where it lies and how large it is stands in device memory before its planes, so that a replayed
// graph draws whatever caption is there now. Must move: 4 bytes a pixel of the caption, and what
// of its luma and chroma is in and out.
#pragma once

struct Placed {
    int x, y, width, height;  // even; a width of 0: nothing is shown
};

constexpr int PLACED = 64;  // bytes from the struct to luma, alpha and chroma, dense, in this order

// A thread makes a block of 2x2 luma samples and the chroma sample between them.
extern "C" __global__ void
blend_overlay(const u8 *caption, u8 *out_y, int out_y_pitch, u8 *out_uv, int out_uv_pitch) {
    const Placed *placed = (const Placed *)caption;
    int width = placed->width, height = placed->height;
    int i = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int j = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (i >= width || j >= height) return;
    int x = placed->x + i, y = placed->y + j;
    const u8 *luma = caption + PLACED, *alpha = luma + (long long)width * height;
    const u8 *chroma = alpha + (long long)width * height;
    int covered = 0;
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int c = 0; c < 2; ++c) {
            long long at = (long long)(j + r) * width + i + c;
            int some = __ldg(alpha + at);
            u8 *to = out_y + (long long)(y + r) * out_y_pitch + x + c;
            // In whole numbers, as the twin: 255 times the result, and half a step to round.
            *to = (u8)min((255 * (int)__ldg(luma + at) + (255 - some) * (int)*to + 127) / 255, 255);
            covered += some;
        }
    u8 *to = out_uv + (long long)(y / 2) * out_uv_pitch + x;
    const u8 *from = chroma + (long long)(j / 2) * width + i;
#pragma unroll
    for (int c = 0; c < 2; ++c)
        to[c] = (u8)min((1020 * (int)__ldg(from + c) + (1020 - covered) * (int)to[c] + 510) / 1020, 255);
}
