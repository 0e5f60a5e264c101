// Composite: the refined, feathered person over the background, in NV12, in one pass. Twin:
// Compositor.
//
// Must move, at width x height: background 1.5 bytes a pixel in and 1.5 out everywhere; the live
// frame 1.5 in where alpha can be above 0; a matte 1 out where asked for. At most 4.5 bytes a pixel:
// 37.3 MB at 3840x2160. The coefficients are a few hundred kilobytes and stay in the L2 cache.
//
// A thread makes 16 columns of two luma rows and the chroma row between them: 16-byte loads and
// stores, and the grid's cell under its pixels changes only every few of them.
#pragma once

constexpr int SPAN = 16;

// 1/d of a ramp of d pixels; 0 for a hard edge.
__device__ __forceinline__ float slope_of(float ramp) { return ramp > 0.0f ? 1.0f / ramp : 0.0f; }

// min(1, i/d, (n-1-i)/d), of the two ends only those that have a ramp; slope is 1/d.
__device__ __forceinline__ float feathered(int i, int n, float slope, bool start, bool end) {
    float w = 1.0f;
    if (slope > 0.0f) {
        if (start) w = fminf(w, (float)i * slope);
        if (end) w = fminf(w, (float)(n - 1 - i) * slope);
    }
    return w;
}

// Vertical interpolation at one column of the grid.
__device__ __forceinline__ float at_column(const float *plane, int columns, int k, int n, float t,
                                           int column) {
    float upper = __ldg(plane + k * columns + column), lower = __ldg(plane + n * columns + column);
    return upper + t * (lower - upper);
}

// Bilinear on the grid: between rows k and n (t), columns c and d (s).
__device__ __forceinline__ float across(const float *plane, int columns, int k, int n, float t,
                                        int c, int d, float s) {
    float l = at_column(plane, columns, k, n, t, c);
    return l + s * (at_column(plane, columns, k, n, t, d) - l);
}

__device__ __forceinline__ u8 blend(float behind, float front, float rest, float shift,
                                    float weight) {
    front = clampf(front + rest * shift, 0.0f, 255.0f);
    return to_byte(behind + weight * (front - behind));
}

// a, b: alpha = a*Y + b, Y from guide (a plane of the frame's size) unless that is null; shift: F-B of Y, Cb, Cr (three planes), null where colours are not
// corrected; all rows x columns over the ROI, which is even on all sides. ramp_x, ramp_y: feather in
// pixels, at those of the ROI's sides that ramp_sides names: 1 left, 2 right, 4 top, 8 bottom.
// matte: null, or alpha times feather in 0..255. verdict: null, or what may forbid the person.
extern "C" __global__ void __launch_bounds__(128)
composite(const u8 *fg_y, int fg_y_pitch, const u8 *fg_uv, int fg_uv_pitch, const u8 *bg_y,
          int bg_y_pitch, const u8 *bg_uv, int bg_uv_pitch, u8 *out_y, int out_y_pitch,
          u8 *out_uv, int out_uv_pitch, u8 *matte, int matte_pitch, int width, int height,
          int roi_x, int roi_y, int roi_width, int roi_height, const u8 *guide, int guide_pitch,
          const float *a, const float *b, const float *shift, int rows, int columns, float levels, float ramp_x, float ramp_y,
          int ramp_sides, const Verdict *verdict) {
    int x = SPAN * (blockIdx.x * blockDim.x + threadIdx.x);
    int y = 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= width || y >= height) return;
    int n = min(SPAN, width - x);  // even: frames have even sides
    u8 luma[2][SPAN], chroma[SPAN], alpha_out[2][SPAN];
#pragma unroll
    for (int r = 0; r < 2; ++r)
        load_bytes(bg_y + (long long)(y + r) * bg_y_pitch + x, n, luma[r]);
    load_bytes(bg_uv + (long long)(y / 2) * bg_uv_pitch + x, n, chroma);
#pragma unroll
    for (int i = 0; i < SPAN; ++i) alpha_out[0][i] = alpha_out[1][i] = 0;

    int left = max(x, roi_x) - roi_x, right = min(x + n, roi_x + roi_width) - roi_x;
    int line = y - roi_y;
    bool inside = left < right && line >= 0 && line < roi_height && shown(verdict);
    if (inside) {
        float gain = 1.0f / (1.0f - 2.0f * levels), floor = levels * gain;
        float per_x = (float)columns / roi_width, per_y = (float)rows / roi_height;
        float slope_x = slope_of(ramp_x), slope_y = slope_of(ramp_y);
        int k[2], nk[2];
        float t[2];
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            between(line + r + 0.5f, per_y, rows, k[r], t[r]);
            nk[r] = min(k[r] + 1, rows - 1);
        }
        // alpha is a*Y + b with Y in 0..255, between grid points a mix of theirs: where neither end
        // of that range is above `levels` at any, the background stays, to the bit.
        int first, last;
        float unused;
        between(left + 0.5f, per_x, columns, first, unused);
        between(right - 0.5f, per_x, columns, last, unused);
        last = min(last + 1, columns - 1);
        bool reached = false;
        for (int r = k[0]; r <= nk[1] && !reached; ++r)
            for (int c = first; c <= last && !reached; ++c) {
                float low = __ldg(b + r * columns + c), slope = __ldg(a + r * columns + c);
                reached = fmaxf(low, low + 255.0f * slope) > levels;
            }
        if (reached) {
            u8 live[2][SPAN], live_c[SPAN];
#pragma unroll
            for (int r = 0; r < 2; ++r)
                load_bytes(fg_y + (long long)(y + r) * fg_y_pitch + x, n, live[r]);
            load_bytes(fg_uv + (long long)(y / 2) * fg_uv_pitch + x, n, live_c);
            float fy[2];
#pragma unroll
            for (int r = 0; r < 2; ++r)
                fy[r] = feathered(line + r, roi_height, slope_y, ramp_sides & 4, ramp_sides & 8);
            int kc;
            float tc;
            between(line + 1.0f, per_y, rows, kc, tc);
            int nc = min(kc + 1, rows - 1);
            int cell = -1;
            float al[2], ar[2], bl[2], br[2], dl[2] = {0, 0}, dr[2] = {0, 0};
            float alphas = 0, weights = 0;
#pragma unroll
            for (int i = 0; i < SPAN; ++i) {
                int px = x + i - roi_x;
                if (px < left || px >= right) continue;
                int c;
                float s;
                between(px + 0.5f, per_x, columns, c, s);
                if (c != cell) {
                    cell = c;
                    int d = min(c + 1, columns - 1);
#pragma unroll
                    for (int r = 0; r < 2; ++r) {
                        al[r] = at_column(a, columns, k[r], nk[r], t[r], c);
                        ar[r] = at_column(a, columns, k[r], nk[r], t[r], d);
                        bl[r] = at_column(b, columns, k[r], nk[r], t[r], c);
                        br[r] = at_column(b, columns, k[r], nk[r], t[r], d);
                        if (shift) {
                            dl[r] = at_column(shift, columns, k[r], nk[r], t[r], c);
                            dr[r] = at_column(shift, columns, k[r], nk[r], t[r], d);
                        }
                    }
                }
                float fx = feathered(px, roi_width, slope_x, ramp_sides & 1, ramp_sides & 2);
                if ((i & 1) == 0) alphas = weights = 0;
#pragma unroll
                for (int r = 0; r < 2; ++r) {
                    float lum = live[r][i];
                    float lead = lum;
                    if (guide) lead = __ldg(guide + (long long)(y + r) * guide_pitch + x + i);
                    float alpha = (al[r] + s * (ar[r] - al[r])) * lead + (bl[r] + s * (br[r] - bl[r]));
                    alpha = clampf(alpha * gain - floor, 0.0f, 1.0f);
                    float weight = alpha * (fx * fy[r]);
                    luma[r][i] = blend(luma[r][i], lum, 1.0f - alpha,
                                       dl[r] + s * (dr[r] - dl[r]), weight);
                    alpha_out[r][i] = to_byte(weight * 255.0f);
                    alphas += alpha;
                    weights += weight;
                }
                if ((i & 1) == 1) {
                    // The ROI is even: both columns of a pair are inside or neither is.
                    float alpha = 0.25f * alphas, weight = 0.25f * weights, cb = 0, cr = 0;
                    if (shift && alpha < 1.0f && weight > 0.0f) {
                        // The chroma sample lies between its two columns.
                        between((float)px, per_x, columns, c, s);
                        int d = min(c + 1, columns - 1);
                        const float *p = shift + rows * columns, *q = p + rows * columns;
                        float l = at_column(p, columns, kc, nc, tc, c);
                        cb = l + s * (at_column(p, columns, kc, nc, tc, d) - l);
                        l = at_column(q, columns, kc, nc, tc, c);
                        cr = l + s * (at_column(q, columns, kc, nc, tc, d) - l);
                    }
                    chroma[i - 1] =
                        blend(chroma[i - 1], live_c[i - 1], 1.0f - alpha, cb, weight);
                    chroma[i] = blend(chroma[i], live_c[i], 1.0f - alpha, cr, weight);
                }
            }
        }
    }
#pragma unroll
    for (int r = 0; r < 2; ++r)
        store_bytes(out_y + (long long)(y + r) * out_y_pitch + x, n, luma[r]);
    store_bytes(out_uv + (long long)(y / 2) * out_uv_pitch + x, n, chroma);
    if (matte)
#pragma unroll
        for (int r = 0; r < 2; ++r)
            store_bytes(matte + (long long)(y + r) * matte_pitch + x, n, alpha_out[r]);
}
