// The person's layer: colour and alpha at full size. Twins: Separator, blend_layer.
//
// A thread makes a block of 2x2 luma samples and the chroma sample between them.
#pragma once

// What the composite computes of the person, without what is behind. Must move, at width x height:
// 1 byte a pixel out everywhere (alpha); in the ROI 1.5 in and 1.5 out.
extern "C" __global__ void
separate(const u8 *fg_y, int fg_y_pitch, const u8 *fg_uv, int fg_uv_pitch, u8 *out_y,
         int out_y_pitch, u8 *out_uv, int out_uv_pitch, u8 *alpha, int alpha_pitch, int width,
         int height, int roi_x, int roi_y, int roi_width, int roi_height, const u8 *guide,
         int guide_pitch, const float *a, const float *b, const float *shift, int rows, int columns,
         float levels, float ramp_x, float ramp_y, int ramp_sides, const Verdict *verdict) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || y >= height) return;
    u8 weights[2][2] = {{0, 0}, {0, 0}};
    int px = x - roi_x, line = y - roi_y;
    if (px >= 0 && px < roi_width && line >= 0 && line < roi_height && shown(verdict)) {
        float gain = 1.0f / (1.0f - 2.0f * levels), floor = levels * gain;
        float per_x = (float)columns / roi_width, per_y = (float)rows / roi_height;
        float slope_x = slope_of(ramp_x), slope_y = slope_of(ramp_y), sum = 0;
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            int k, c;
            float t, s;
            between(line + r + 0.5f, per_y, rows, k, t);
            int n = min(k + 1, rows - 1);
            float fy = feathered(line + r, roi_height, slope_y, ramp_sides & 4, ramp_sides & 8);
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                between(px + i + 0.5f, per_x, columns, c, s);
                int d = min(c + 1, columns - 1);
                float luma = __ldg(fg_y + (long long)(y + r) * fg_y_pitch + x + i), lead = luma;
                if (guide) lead = __ldg(guide + (long long)(y + r) * guide_pitch + x + i);
                float value = across(a, columns, k, n, t, c, d, s) * lead +
                              across(b, columns, k, n, t, c, d, s);
                value = clampf(value * gain - floor, 0.0f, 1.0f);
                float fx = feathered(px + i, roi_width, slope_x, ramp_sides & 1, ramp_sides & 2);
                weights[r][i] = to_byte(value * (fx * fy) * 255.0f);
                float other = shift ? across(shift, columns, k, n, t, c, d, s) : 0.0f;
                out_y[(long long)(y + r) * out_y_pitch + x + i] =
                    to_byte_clamped(luma + (1.0f - value) * other);
                sum += value;
            }
        }
        float rest = 1.0f - 0.25f * sum, cb = 0, cr = 0;
        if (shift) {
            int k, c;
            float t, s;
            between(line + 1.0f, per_y, rows, k, t);
            between(px + 1.0f, per_x, columns, c, s);
            int n = min(k + 1, rows - 1), d = min(c + 1, columns - 1);
            const float *p = shift + rows * columns, *q = p + rows * columns;
            cb = across(p, columns, k, n, t, c, d, s);
            cr = across(q, columns, k, n, t, c, d, s);
        }
        const u8 *from = fg_uv + (long long)(y / 2) * fg_uv_pitch + x;
        u8 *to = out_uv + (long long)(y / 2) * out_uv_pitch + x;
        to[0] = to_byte_clamped((float)__ldg(from) + rest * cb);
        to[1] = to_byte_clamped((float)__ldg(from + 1) + rest * cr);
    }
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i)
            alpha[(long long)(y + r) * alpha_pitch + x + i] = weights[r][i];
}

// The layer over what is behind, within left, top, right, bottom. Must move: background
// 1.5 bytes a pixel in and 1.5 out; in the rectangle 2.5 in; a matte 1 out.
extern "C" __global__ void
blend_layer(const u8 *fg_y, int fg_y_pitch, const u8 *fg_uv, int fg_uv_pitch, const u8 *alpha,
            int alpha_pitch, const u8 *bg_y, int bg_y_pitch, const u8 *bg_uv, int bg_uv_pitch,
            u8 *out_y, int out_y_pitch, u8 *out_uv, int out_uv_pitch, u8 *matte, int matte_pitch,
            int width, int height, int left, int top, int right, int bottom) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || y >= height) return;
    bool inside = x >= left && x < right && y >= top && y < bottom;
    float sum = 0;
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            u8 value = __ldg(bg_y + (long long)(y + r) * bg_y_pitch + x + i), weight = 0;
            if (inside) {
                weight = __ldg(alpha + (long long)(y + r) * alpha_pitch + x + i);
                float front = __ldg(fg_y + (long long)(y + r) * fg_y_pitch + x + i);
                value = blend(value, front, 0.0f, 0.0f, (float)weight * (1.0f / 255.0f));
                sum += (float)weight * (1.0f / 255.0f);
            }
            out_y[(long long)(y + r) * out_y_pitch + x + i] = value;
            if (matte) matte[(long long)(y + r) * matte_pitch + x + i] = weight;
        }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        u8 value = __ldg(bg_uv + (long long)(y / 2) * bg_uv_pitch + x + i);
        if (inside) {
            float front = __ldg(fg_uv + (long long)(y / 2) * fg_uv_pitch + x + i);
            value = blend(value, front, 0.0f, 0.0f, 0.25f * sum);
        }
        out_uv[(long long)(y / 2) * out_uv_pitch + x + i] = value;
    }
}
