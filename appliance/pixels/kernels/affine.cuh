// The person's layer moved and brought to another size. Twin: warp_layer.
//
// A thread makes a block of 2x2 luma samples and the chroma sample between them.
#pragma once

// Which part of the picture fills the canvas. The host writes it before each frame, so that the
// launches stay the same. gpu/affine.py has the same layout (VIEW).
struct View {
    float left, top, step;                    // its corner; pixels of the picture for one of canvas
    float fade_left, fade_top, fade_right, fade_bottom;
    int x, y, right, bottom;                  // where the layer lies on the canvas
};

// How much shows at a place: 0 beyond the picture, 1 within, the fade in between.
__device__ __forceinline__ float faded(float there, float size, float start, float end) {
    if (there < 0.0f || there > size) return 0.0f;
    float rise = fminf(there / fmaxf(start, 1e-6f), (size - there) / fmaxf(end, 1e-6f));
    return clampf(rise, 0.0f, 1.0f);
}

// The mean of alpha over the 2x2 pixels of a chroma sample.
__device__ __forceinline__ float quartered(const u8 *alpha, int pitch, int column, int row) {
    const u8 *upper = alpha + (long long)(2 * row) * pitch + 2 * column, *lower = upper + pitch;
    return 0.25f * ((int)__ldg(upper) + __ldg(upper + 1) + __ldg(lower) + __ldg(lower + 1));
}

// Must move, at width x height: 1 byte a pixel out everywhere (alpha); where the layer lies on the
// canvas 1.5 out, and 2.5 in for each pixel of the picture there.
extern "C" __global__ void warp_layer(const u8 *fg_y, int fg_y_pitch, const u8 *fg_uv,
                                      int fg_uv_pitch, const u8 *alpha, int alpha_pitch, u8 *out_y,
                                      int out_y_pitch, u8 *out_uv, int out_uv_pitch, u8 *out_alpha,
                                      int out_alpha_pitch, int width, int height,
                                      const View *view) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || y >= height) return;
    View v = *view;
    bool inside = x >= v.x && x < v.right && y >= v.y && y < v.bottom;
    if (!inside) {
#pragma unroll
        for (int r = 0; r < 2; ++r)
#pragma unroll
            for (int i = 0; i < 2; ++i)
                out_alpha[(long long)(y + r) * out_alpha_pitch + x + i] = 0;
        return;
    }
#pragma unroll
    for (int r = 0; r < 2; ++r) {
        float down = (y + r + 0.5f) * v.step + v.top, t;
        int k;
        between(down, 1.0f, height, k, t);
        int n = min(k + 1, height - 1);
        float fy = faded(down, (float)height, v.fade_top, v.fade_bottom);
        const u8 *a0 = alpha + (long long)k * alpha_pitch, *a1 = alpha + (long long)n * alpha_pitch;
        const u8 *f0 = fg_y + (long long)k * fg_y_pitch, *f1 = fg_y + (long long)n * fg_y_pitch;
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            float across = (x + i + 0.5f) * v.step + v.left, s;
            int c;
            between(across, 1.0f, width, c, s);
            int d = min(c + 1, width - 1);
            float w00 = (1.0f - t) * (1.0f - s) * __ldg(a0 + c), w01 = (1.0f - t) * s * __ldg(a0 + d);
            float w10 = t * (1.0f - s) * __ldg(a1 + c), w11 = t * s * __ldg(a1 + d);
            float sum = w00 + w01 + w10 + w11;
            float product = w00 * __ldg(f0 + c) + w01 * __ldg(f0 + d) + w10 * __ldg(f1 + c) +
                            w11 * __ldg(f1 + d);
            float fx = faded(across, (float)width, v.fade_left, v.fade_right);
            out_y[(long long)(y + r) * out_y_pitch + x + i] = to_byte(product / fmaxf(sum, 1e-3f));
            out_alpha[(long long)(y + r) * out_alpha_pitch + x + i] = to_byte(sum * (fx * fy));
        }
    }
    int k, c, rows = height / 2, columns = width / 2;
    float t, s;
    between((y / 2 + 0.5f) * v.step + 0.5f * v.top, 1.0f, rows, k, t);
    between((x / 2 + 0.5f) * v.step + 0.5f * v.left, 1.0f, columns, c, s);
    int n = min(k + 1, rows - 1), d = min(c + 1, columns - 1);
    float w00 = (1.0f - t) * (1.0f - s) * quartered(alpha, alpha_pitch, c, k);
    float w01 = (1.0f - t) * s * quartered(alpha, alpha_pitch, d, k);
    float w10 = t * (1.0f - s) * quartered(alpha, alpha_pitch, c, n);
    float w11 = t * s * quartered(alpha, alpha_pitch, d, n);
    float sum = fmaxf(w00 + w01 + w10 + w11, 1e-3f);
    const u8 *f0 = fg_uv + (long long)k * fg_uv_pitch, *f1 = fg_uv + (long long)n * fg_uv_pitch;
    u8 *to = out_uv + (long long)(y / 2) * out_uv_pitch + x;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        float product = w00 * __ldg(f0 + 2 * c + i) + w01 * __ldg(f0 + 2 * d + i) +
                        w10 * __ldg(f1 + 2 * c + i) + w11 * __ldg(f1 + 2 * d + i);
        to[i] = to_byte(product / sum);
    }
}
