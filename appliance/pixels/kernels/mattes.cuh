// Mattes drawn by hand: the person's layer under polygons. Twin: apply_mattes.
//
// A thread makes a block of 2x2 luma samples and the chroma sample between them.
#pragma once

// Within left, top, right, bottom: the person's alpha, which means something within was_* alone, is
// cut by room, and what is kept comes in from the live frame. Must move there: 3 bytes a pixel in, 1
// out; 1.5 in and 1.5 out where something is kept.
extern "C" __global__ void
apply_mattes(const u8 *fg_y, int fg_y_pitch, const u8 *fg_uv, int fg_uv_pitch, u8 *out_y,
             int out_y_pitch, u8 *out_uv, int out_uv_pitch, u8 *alpha, int alpha_pitch,
             const u8 *room, const u8 *keep, int pitch, int left, int top, int right, int bottom,
             int was_left, int was_top, int was_right, int was_bottom) {
    int x = left + 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = top + 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= right || y >= bottom) return;
    bool inside = x >= was_left && x < was_right && y >= was_top && y < was_bottom;
    bool some = false;
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            long long at = (long long)(y + r) * alpha_pitch + x + i;
            long long there = (long long)(y + r) * pitch + x + i;
            int value = inside ? (alpha[at] * (int)__ldg(room + there) + 127) / 255 : 0;
            int kept = __ldg(keep + there);
            if (kept > value) {
                value = kept;
                some = true;
                out_y[(long long)(y + r) * out_y_pitch + x + i] =
                    __ldg(fg_y + (long long)(y + r) * fg_y_pitch + x + i);
            }
            alpha[at] = (u8)value;
        }
    if (!some) return;
    const u8 *from = fg_uv + (long long)(y / 2) * fg_uv_pitch + x;
    u8 *to = out_uv + (long long)(y / 2) * out_uv_pitch + x;
    to[0] = __ldg(from);
    to[1] = __ldg(from + 1);
}
