// The person between two frames, or soon after both, over a background. Twin: blend_between.
//
// A thread makes a block of 2x2 luma samples and the chroma sample between them. Colours are weighed
// by alpha, in bytes, before they are moved and mixed. Positions are rounded to sixteenths of a
// pixel, as in the twin, so that the weights of a sample make 256.
#pragma once

// A layer as it is read: the person's own colour, and how much of them shows.
struct BetweenLayer {
    const u8 *y;
    int y_pitch;
    const u8 *uv;
    int uv_pitch;
    const u8 *alpha;
    int alpha_pitch;
    int width, height;
};

__device__ __forceinline__ u32 between_share(u32 value, u32 alpha) {
    u32 product = value * alpha + 128;
    return (product + (product >> 8)) >> 8;
}

// Where a sample is read from: the pixel, and sixteenths beyond it.
__device__ __forceinline__ void between_aim(float place, int size, int &pixel, u32 &part) {
    int sixteenth = (int)clampf(place * 16.0f + 0.5f, 0.0f, 16.0f * (size - 1));
    pixel = sixteenth >> 4;
    part = sixteenth & 15;
}

__device__ __forceinline__ u32 between_weight(int i, u32 x, u32 y) {
    return (i & 1 ? x : 16 - x) * (i & 2 ? y : 16 - y);
}

// 256 x the bilinear sample of alpha and of luma weighed by it.
__device__ __forceinline__ void between_luma(const BetweenLayer &layer, float x, float y,
                                             u32 &alpha, u32 &value) {
    int px, py;
    u32 tx, ty;
    between_aim(x, layer.width, px, tx);
    between_aim(y, layer.height, py, ty);
    alpha = value = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        long long column = min(px + (i & 1), layer.width - 1);
        long long row = min(py + (i >> 1), layer.height - 1);
        u32 weight = between_weight(i, tx, ty);
        u32 a = __ldg(layer.alpha + row * layer.alpha_pitch + column);
        alpha += weight * a;
        if (a) value += weight * between_share(__ldg(layer.y + row * layer.y_pitch + column), a);
    }
}

// The same of both chroma samples, with the mean alpha of their four pixels.
__device__ __forceinline__ void between_chroma(const BetweenLayer &layer, float x, float y,
                                               u32 &alpha, u32 (&value)[2]) {
    int px, py, columns = layer.width / 2, rows = layer.height / 2;
    u32 tx, ty;
    between_aim(x, columns, px, tx);
    between_aim(y, rows, py, ty);
    alpha = value[0] = value[1] = 0;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        long long column = min(px + (i & 1), columns - 1), row = min(py + (i >> 1), rows - 1);
        const u8 *four = layer.alpha + 2 * row * layer.alpha_pitch + 2 * column;
        u32 a = (u32)__ldg(four) + __ldg(four + 1) + __ldg(four + layer.alpha_pitch) +
                __ldg(four + layer.alpha_pitch + 1);
        a = (a + 2) >> 2;
        u32 weight = between_weight(i, tx, ty);
        alpha += weight * a;
        const u8 *pair = layer.uv + row * layer.uv_pitch + 2 * column;
        if (a) value[0] += weight * between_share(__ldg(pair), a);
        if (a) value[1] += weight * between_share(__ldg(pair + 1), a);
    }
}

__device__ __forceinline__ u8 between_over(u32 one, u32 two, u32 one_alpha, u32 two_alpha,
                                           float share, u8 behind) {
    float rest = (1.0f - share) * (1.0f / 256), part = share * (1.0f / 256);
    float value = rest * (float)one + part * (float)two;
    float alpha = rest * (float)one_alpha + part * (float)two_alpha;
    value += (1.0f - alpha * (1.0f / 255)) * (float)behind;
    return (u8)(int)fminf(value + 0.5f, 255.0f);
}

// The same without what is behind: the colour itself, for where alpha is above 0.
__device__ __forceinline__ u8 between_alone(u32 one, u32 two, u32 one_alpha, u32 two_alpha,
                                            float share, float &alpha) {
    float rest = (1.0f - share) * (1.0f / 256), part = share * (1.0f / 256);
    float value = rest * (float)one + part * (float)two;
    alpha = rest * (float)one_alpha + part * (float)two_alpha;
    return (u8)(int)fminf(value * 255.0f / fmaxf(alpha, 0.5f) + 0.5f, 255.0f);
}

// flow: rows x columns x 2: how far, in cells, what is at a cell moved from the second layer's time
// back to the first's. out_alpha: null, or where the person's alpha goes: then out is the person's
// colour, and there is no background. Must move: background 1.5 bytes a pixel in and 1.5 out; alpha of both layers;
// where the person is 3 more.
extern "C" __global__ void
blend_between(const u8 *one_y, int one_y_pitch, const u8 *one_uv, int one_uv_pitch,
              const u8 *one_alpha, int one_alpha_pitch, const u8 *two_y, int two_y_pitch,
              const u8 *two_uv, int two_uv_pitch, const u8 *two_alpha, int two_alpha_pitch,
              const float *flow, int rows, int columns, float at, float share, const u8 *bg_y,
              int bg_y_pitch, const u8 *bg_uv, int bg_uv_pitch, u8 *out_y, int out_y_pitch,
              u8 *out_uv, int out_uv_pitch, u8 *out_alpha, int out_alpha_pitch, int width,
              int height) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || y >= height) return;
    BetweenLayer one = {one_y, one_y_pitch, one_uv, one_uv_pitch,
                        one_alpha, one_alpha_pitch, width, height};
    BetweenLayer two = {two_y, two_y_pitch, two_uv, two_uv_pitch,
                        two_alpha, two_alpha_pitch, width, height};
    float per_x = (float)width / columns, per_y = (float)height / rows, back = at, forth = at - 1;
    float line = clampf((y + 1) / per_y - 0.5f, 0.0f, (float)(rows - 1));
    int k = (int)line, n = min(k + 1, rows - 1);
    float t = line - k, sum_x = 0, sum_y = 0;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        float place = clampf((x + i + 0.5f) / per_x - 0.5f, 0.0f, (float)(columns - 1));
        int c = (int)place, d = min(c + 1, columns - 1);
        float s = place - c, shift[2];
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            const float *upper = flow + 2LL * k * columns + j, *lower = flow + 2LL * n * columns + j;
            float left = upper[2 * c] + (lower[2 * c] - upper[2 * c]) * t;
            float right = upper[2 * d] + (lower[2 * d] - upper[2 * d]) * t;
            shift[j] = (left + (right - left) * s) * (j ? per_y : per_x);
        }
        sum_x += shift[0];
        sum_y += shift[1];
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            u32 a = 0, va = 0, b, vb;
            if (share < 1)
                between_luma(one, x + i + back * shift[0], y + r + back * shift[1], a, va);
            between_luma(two, x + i + forth * shift[0], y + r + forth * shift[1], b, vb);
            u8 *out = out_y + (long long)(y + r) * out_y_pitch + x + i;
            if (out_alpha) {
                float alpha;
                *out = between_alone(va, vb, a, b, share, alpha);
                out_alpha[(long long)(y + r) * out_alpha_pitch + x + i] = to_byte(alpha);
            } else {
                u8 behind = __ldg(bg_y + (long long)(y + r) * bg_y_pitch + x + i);
                *out = between_over(va, vb, a, b, share, behind);
            }
        }
    }
    float cx = 0.25f * sum_x, cy = 0.25f * sum_y;
    u32 a = 0, va[2] = {0, 0}, b, vb[2];
    if (share < 1) between_chroma(one, x / 2 + back * cx, y / 2 + back * cy, a, va);
    between_chroma(two, x / 2 + forth * cx, y / 2 + forth * cy, b, vb);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        u8 *out = out_uv + (long long)(y / 2) * out_uv_pitch + x + i;
        if (out_alpha) {
            float alpha;
            *out = between_alone(va[i], vb[i], a, b, share, alpha);
        } else {
            u8 behind = __ldg(bg_uv + (long long)(y / 2) * bg_uv_pitch + x + i);
            *out = between_over(va[i], vb[i], a, b, share, behind);
        }
    }
}
