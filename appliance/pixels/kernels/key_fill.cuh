// The person for a switcher to composite: key, fill, over one colour. Twins: draw_key, draw_fill,
// draw_over_plain.
//
// A thread makes a block of 2x2 luma samples and the chroma sample between them.
#pragma once

// Alpha in the steps of a key: 0..steps.
__device__ __forceinline__ int key_level(u8 alpha, int steps) {
    return ((int)alpha * steps + 127) / 255;
}

// Alpha as luma, black to black + steps, within left, top, right, bottom; black elsewhere. Must
// move: 1.5 bytes a pixel out; in the rectangle 1 in.
extern "C" __global__ void
draw_key(const u8 *alpha, int alpha_pitch, u8 *out_y, int out_y_pitch, u8 *out_uv, int out_uv_pitch,
         int width, int height, int left, int top, int right, int bottom, int black, int steps) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || y >= height) return;
    bool inside = x >= left && x < right && y >= top && y < bottom;
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            u8 some = inside ? __ldg(alpha + (long long)(y + r) * alpha_pitch + x + i) : 0;
            out_y[(long long)(y + r) * out_y_pitch + x + i] = (u8)(black + key_level(some, steps));
        }
    u8 *to = out_uv + (long long)(y / 2) * out_uv_pitch + x;
    to[0] = to[1] = 128;
}

// The person over one colour (plain_*), weighed by alpha in so many steps. straight: the colour as
// it is wherever a step above 0 is left of alpha. Must move: 1.5 bytes a pixel out; in the rectangle
// 2.5 in.
extern "C" __global__ void
draw_over_plain(const u8 *fg_y, int fg_y_pitch, const u8 *fg_uv, int fg_uv_pitch, const u8 *alpha,
                int alpha_pitch, u8 *out_y, int out_y_pitch, u8 *out_uv, int out_uv_pitch, int width,
                int height, int left, int top, int right, int bottom, int plain_y, int plain_cb,
                int plain_cr, int steps, int straight) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || y >= height) return;
    bool inside = x >= left && x < right && y >= top && y < bottom;
    float sum = 0;
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            u8 value = (u8)plain_y;
            if (inside) {
                u8 some = __ldg(alpha + (long long)(y + r) * alpha_pitch + x + i);
                float weight = (float)key_level(some, steps) / (float)steps;
                if (straight) weight = weight > 0.0f ? 1.0f : 0.0f;
                float front = __ldg(fg_y + (long long)(y + r) * fg_y_pitch + x + i);
                value = blend(value, front, 0.0f, 0.0f, weight);
                sum += weight;
            }
            out_y[(long long)(y + r) * out_y_pitch + x + i] = value;
        }
    float weight = 0.25f * sum;
    if (straight) weight = weight > 0.0f ? 1.0f : 0.0f;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        u8 value = (u8)(i ? plain_cr : plain_cb);
        if (inside) {
            float front = __ldg(fg_uv + (long long)(y / 2) * fg_uv_pitch + x + i);
            value = blend(value, front, 0.0f, 0.0f, weight);
        }
        out_uv[(long long)(y / 2) * out_uv_pitch + x + i] = value;
    }
}
