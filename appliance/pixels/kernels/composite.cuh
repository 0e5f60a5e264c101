// Composite: the refined, feathered person over the background, in NV12, in one pass. Twin:
// Compositor.
//
// Must move, at width x height: background 1.5 bytes a pixel in and 1.5 out everywhere; the live
// frame 1.5 in where alpha can be above 0; a matte 1 out where asked for. At most 4.5 bytes a pixel:
// 37.3 MB at 3840x2160. The coefficients are a few hundred kilobytes and stay in the L2 cache.
//
// `composite` interpolates the grid down to each row once a block; `composite_fine` does so for each
// pixel, and is for grids nearly as fine as the picture: a small ROI.
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

__device__ __forceinline__ float down(const float *plane, int upper, int lower, float t) {
    float above = __ldg(plane + upper);
    return above + t * (__ldg(plane + lower) - above);
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
composite_fine(const u8 *fg_y, int fg_y_pitch, const u8 *fg_uv, int fg_uv_pitch, const u8 *bg_y,
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

constexpr int COMPOSITE_X = 32, COMPOSITE_Y = 4;  // threads of a block
constexpr int STRIP = 16;                         // columns of a thread of `composite`
constexpr int STRIP_CELLS = 160;                  // grid columns under a block; composite.py has it

// Of each row under a block, the grid interpolated downwards: what is left to do is across.
struct Lines {
    // One more than needed, so that rows begin in different banks.
    float2 ab[2 * COMPOSITE_Y][STRIP_CELLS + 1];  // a, b
    float luma[2 * COMPOSITE_Y][STRIP_CELLS + 1];
    float2 chroma[COMPOSITE_Y][STRIP_CELLS + 1];
};

// A feather's two ends as min(1, i * rise + start, (last - i) * fall + end).
struct Ramp {
    float rise, start, fall, end, last;
};

__device__ __forceinline__ Ramp ramp_of(float ramp, int n, bool start, bool end) {
    float slope = slope_of(ramp);
    Ramp r = {0.0f, 1.0f, 0.0f, 1.0f, (float)(n - 1)};
    if (start && slope > 0.0f) {
        r.rise = slope;
        r.start = 0.0f;
    }
    if (end && slope > 0.0f) {
        r.fall = slope;
        r.end = 0.0f;
    }
    return r;
}

__device__ __forceinline__ float ramped(const Ramp &r, float i) {
    return fminf(1.0f, fminf(i * r.rise + r.start, (r.last - i) * r.fall + r.end));
}

__device__ __forceinline__ float mixed(float behind, float front, float rest, float shift,
                                       float weight) {
    front = clampf(front + rest * shift, 0.0f, 255.0f);
    return behind + weight * (front - behind);
}

// A thread's pixels: where they begin in the ROI and which of them lie in it, their first row in
// Lines, and what they are mixed by.
struct Strip {
    int px, left, right, row, first_cell, columns;
    float per_x, levels;
    Ramp across;
    float fy[2];
};

// The soft part of `composite`: live over luma and chroma, in place. lead: the luma for alpha. EXTRAS:
// lead is another one than live, or it is to be said what is shown.
template <bool EXTRAS>
__device__ __forceinline__ void mix(const Lines &lines, const Strip &at, const u32 (&lead)[2][STRIP / 4],
                                    const u32 (&live)[2][STRIP / 4], const u32 (&live_c)[STRIP / 4],
                                    u32 (&luma)[2][STRIP / 4], u32 (&chroma)[STRIP / 4],
                                    u32 (&shows)[2][STRIP / 4]) {
    float gain = 1.0f / (1.0f - 2.0f * at.levels), floor = at.levels * gain;
    float most = (float)(at.columns - 1), last = (float)max(at.columns - 2, 0), begin = (float)at.px;
    int cell = -1;
    float2 here[2], step[2];  // a and b at a cell's left, and how they change across it
    float shift_here[2], shift_step[2], alphas = 0, weights = 0;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
        here[r] = step[r] = make_float2(0.0f, 0.0f);
        shift_here[r] = shift_step[r] = 0.0f;
    }
#pragma unroll
    for (int k = 0; k < STRIP / 4; ++k) {
        u32 made[2][4], made_c[4], said[2][4];
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            int px = at.px + 4 * k + j;
            bool in = px >= at.left && px < at.right;
            // `between`, from a float that counts along.
            float place = begin + (float)(4 * k + j);
            float p = clampf((place + 0.5f) * at.per_x - 0.5f, 0.0f, most);
            float whole = fminf(__fadd_rz(p, WHOLE) - WHOLE, last), s = p - whole;
            int c = __float_as_int(whole + WHOLE) & 0x7fffff;
            if (in && c != cell) {
                cell = c;
                int l = c - at.first_cell, d = min(c + 1, at.columns - 1) - at.first_cell;
#pragma unroll
                for (int r = 0; r < 2; ++r) {
                    float2 next = lines.ab[at.row + r][d];
                    here[r] = lines.ab[at.row + r][l];
                    step[r] = make_float2(next.x - here[r].x, next.y - here[r].y);
                    shift_here[r] = lines.luma[at.row + r][l];
                    shift_step[r] = lines.luma[at.row + r][d] - shift_here[r];
                }
            }
            float fx = in ? ramped(at.across, place) : 0.0f;
            if ((j & 1) == 0) alphas = weights = 0;
#pragma unroll
            for (int r = 0; r < 2; ++r) {
                float behind = float_of_byte(luma[r][k], j), lum = float_of_byte(live[r][k], j);
                float y_of = EXTRAS ? float_of_byte(lead[r][k], j) : lum;
                float alpha = (here[r].x + s * step[r].x) * y_of + (here[r].y + s * step[r].y);
                alpha = clampf(alpha * gain - floor, 0.0f, 1.0f);
                float weight = alpha * (fx * at.fy[r]);
                made[r][j] = byte_bits(
                    mixed(behind, lum, 1.0f - alpha, shift_here[r] + s * shift_step[r], weight));
                if (EXTRAS) said[r][j] = byte_bits(weight * 255.0f);
                alphas += alpha;
                weights += weight;
            }
            if ((j & 1) == 1) {
                // The ROI is even: both columns of a pair are inside or neither is.
                float alpha = 0.25f * alphas, weight = 0.25f * weights, cb = 0, cr = 0;
                if (alpha < 1.0f && weight > 0.0f) {
                    // The chroma sample lies between its two columns.
                    int cell_c;
                    between(place, at.per_x, at.columns, cell_c, s);
                    const float2 *line = lines.chroma[at.row / 2];
                    float2 l = line[cell_c - at.first_cell];
                    float2 d = line[min(cell_c + 1, at.columns - 1) - at.first_cell];
                    cb = l.x + s * (d.x - l.x);
                    cr = l.y + s * (d.y - l.y);
                }
                made_c[j - 1] = byte_bits(mixed(float_of_byte(chroma[k], j - 1),
                                                float_of_byte(live_c[k], j - 1), 1.0f - alpha, cb, weight));
                made_c[j] = byte_bits(mixed(float_of_byte(chroma[k], j), float_of_byte(live_c[k], j),
                                            1.0f - alpha, cr, weight));
            }
        }
#pragma unroll
        for (int r = 0; r < 2; ++r) {
            luma[r][k] = packed(made[r][0], made[r][1], made[r][2], made[r][3]);
            if (EXTRAS) shows[r][k] = packed(said[r][0], said[r][1], said[r][2], said[r][3]);
        }
        chroma[k] = packed(made_c[0], made_c[1], made_c[2], made_c[3]);
    }
}

// As composite_fine, where a block's pixels lie under STRIP_CELLS columns of the grid or fewer. A
// thread makes STRIP columns of two luma rows and the chroma row between them. Where alpha is 0 all
// over them the live frame is not read, where it is 1 the background is not.
extern "C" __global__ void __launch_bounds__(COMPOSITE_X *COMPOSITE_Y)
composite(const u8 *fg_y, int fg_y_pitch, const u8 *fg_uv, int fg_uv_pitch, const u8 *bg_y,
          int bg_y_pitch, const u8 *bg_uv, int bg_uv_pitch, u8 *out_y, int out_y_pitch,
          u8 *out_uv, int out_uv_pitch, u8 *matte, int matte_pitch, int width, int height,
          int roi_x, int roi_y, int roi_width, int roi_height, const u8 *guide, int guide_pitch,
          const float *a, const float *b, const float *shift, int rows, int columns, float levels, float ramp_x, float ramp_y,
          int ramp_sides, const Verdict *verdict) {
    __shared__ Lines lines;
    int x0 = STRIP * COMPOSITE_X * blockIdx.x, y0 = 2 * COMPOSITE_Y * blockIdx.y;
    // A warp takes 8 strips of four row pairs, more of whose pixels are alike than of a long line's.
    int lane = threadIdx.x, across_x = 8 * threadIdx.y + (lane & 7), pair = lane >> 3;
    int x = x0 + STRIP * across_x, y = y0 + 2 * pair;
    float per_x = (float)columns / roi_width, per_y = (float)rows / roi_height;
    int begin = max(x0, roi_x) - roi_x;
    int end = min(x0 + STRIP * COMPOSITE_X, roi_x + roi_width) - roi_x;
    bool block_inside = begin < end && y0 + 2 * COMPOSITE_Y > roi_y && y0 < roi_y + roi_height &&
                        shown(verdict);
    int first_cell = 0;
    if (block_inside) {
        int last_cell;
        float unused;
        between(begin + 0.5f, per_x, columns, first_cell, unused);
        between(end - 0.5f, per_x, columns, last_cell, unused);
        int cells = min(min(last_cell + 1, columns - 1) - first_cell + 1, STRIP_CELLS);
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            int r = threadIdx.y + half * COMPOSITE_Y, line = y0 + r - roi_y, k;
            if (line < 0 || line >= roi_height) continue;
            float t;
            between(line + 0.5f, per_y, rows, k, t);
            int upper = k * columns + first_cell, lower = min(k + 1, rows - 1) * columns + first_cell;
#pragma unroll 1
            for (int c = threadIdx.x; c < cells; c += COMPOSITE_X) {
                float2 both = make_float2(down(a, upper + c, lower + c, t), down(b, upper + c, lower + c, t));
                lines.ab[r][c] = both;
                lines.luma[r][c] = shift ? down(shift, upper + c, lower + c, t) : 0.0f;
            }
        }
        int line = y0 + 2 * (int)threadIdx.y - roi_y, k;
        if (line >= 0 && line < roi_height) {
            float t;
            between(line + 1.0f, per_y, rows, k, t);
            const float *p = shift + rows * columns, *q = p + rows * columns;
            int upper = k * columns + first_cell, lower = min(k + 1, rows - 1) * columns + first_cell;
#pragma unroll 1
            for (int c = threadIdx.x; c < cells; c += COMPOSITE_X)
                lines.chroma[threadIdx.y][c] =
                    shift ? make_float2(down(p, upper + c, lower + c, t), down(q, upper + c, lower + c, t))
                          : make_float2(0.0f, 0.0f);
        }
    }
    __syncthreads();
    if (x >= width || y >= height) return;
    int n = min(STRIP, width - x);  // even: frames have even sides
    int left = max(x, roi_x) - roi_x, right = min(x + n, roi_x + roi_width) - roi_x;
    int line = y - roi_y, row = 2 * pair;
    // Alpha can be above 0 somewhere; it is 1, and counts in full, everywhere.
    bool reached = false, solid = false;
    Ramp across = ramp_of(ramp_x, roi_width, ramp_sides & 1, ramp_sides & 2);
    float fy[2] = {1.0f, 1.0f};
    if (block_inside && left < right && line >= 0 && line < roi_height) {
        Ramp down_ramp = ramp_of(ramp_y, roi_height, ramp_sides & 4, ramp_sides & 8);
        fy[0] = ramped(down_ramp, (float)line);
        fy[1] = ramped(down_ramp, (float)(line + 1));
        int first, last;
        float unused;
        between(left + 0.5f, per_x, columns, first, unused);
        between(right - 0.5f, per_x, columns, last, unused);
        last = min(last + 1, columns - 1);
        // alpha is a*Y + b with Y in 0..255, between grid points a mix of theirs.
        float most = -1.0f, least = 2.0f;
#pragma unroll 1
        for (int c = first - first_cell; c <= last - first_cell; ++c)
#pragma unroll
            for (int r = 0; r < 2; ++r) {
                float2 both = lines.ab[row + r][c];
                float other = both.y + 255.0f * both.x;
                most = fmaxf(most, fmaxf(both.y, other));
                least = fminf(least, fminf(both.y, other));
            }
        reached = most > levels;
        solid = least >= 1.0f - levels && n == STRIP && left == x - roi_x &&
                right == x + n - roi_x && fy[0] * fy[1] >= 1.0f &&
                ramped(across, (float)left) * ramped(across, (float)(right - 1)) >= 1.0f;
    }
    u32 luma[2][STRIP / 4] = {{0, 0, 0, 0}, {0, 0, 0, 0}}, chroma[STRIP / 4] = {0, 0, 0, 0};
    u32 live[2][STRIP / 4] = {{0, 0, 0, 0}, {0, 0, 0, 0}}, live_c[STRIP / 4] = {0, 0, 0, 0};
    u32 shows[2][STRIP / 4] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    if (!solid) {
#pragma unroll
        for (int r = 0; r < 2; ++r)
            load_words(bg_y + (long long)(y + r) * bg_y_pitch + x, n, luma[r]);
        load_words(bg_uv + (long long)(y / 2) * bg_uv_pitch + x, n, chroma);
    }
    if (reached) {
#pragma unroll
        for (int r = 0; r < 2; ++r)
            load_words(fg_y + (long long)(y + r) * fg_y_pitch + x, n, live[r]);
        load_words(fg_uv + (long long)(y / 2) * fg_uv_pitch + x, n, live_c);
    }
    if (solid) {
#pragma unroll
        for (int k = 0; k < STRIP / 4; ++k) {
            luma[0][k] = live[0][k];
            luma[1][k] = live[1][k];
            chroma[k] = live_c[k];
            shows[0][k] = shows[1][k] = 0xffffffffu;
        }
    } else if (reached) {
        Strip strip = {x - roi_x, left, right, row, first_cell, columns, per_x, levels, across, {fy[0], fy[1]}};
        if (matte || guide) {
            u32 lead[2][STRIP / 4];
#pragma unroll
            for (int r = 0; r < 2; ++r)
                load_words((guide ? guide : fg_y) + (long long)(y + r) * (guide ? guide_pitch : fg_y_pitch) + x,
                           n, lead[r]);
            mix<true>(lines, strip, lead, live, live_c, luma, chroma, shows);
        } else {
            mix<false>(lines, strip, live, live, live_c, luma, chroma, shows);
        }
    }
#pragma unroll
    for (int r = 0; r < 2; ++r)
        store_words(out_y + (long long)(y + r) * out_y_pitch + x, n, luma[r]);
    store_words(out_uv + (long long)(y / 2) * out_uv_pitch + x, n, chroma);
    if (matte)
#pragma unroll
        for (int r = 0; r < 2; ++r)
            store_words(matte + (long long)(y + r) * matte_pitch + x, n, shows[r]);
}
