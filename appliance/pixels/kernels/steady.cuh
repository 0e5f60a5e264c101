// Steady: where the picture moved, and alpha blended with the last one where it did not. Twins:
// resample, motion, loosen, steady; one launch.
#pragma once

constexpr int STEADY_X = 32, STEADY_Y = 8;
// Where the network agrees with the last matte, and where not: cpu/steady.py has the same.
constexpr float AGREES = 0.1f, DISAGREES = 0.25f;

// How the last frame's grid lies under this one: x' = x * scale_x + shift_x, likewise y.
struct Warp {
    float scale_x, shift_x, scale_y, shift_y;
    int rows, columns, same;  // of the last grid; same: it covers the very same pixels
};

// Bilinear at (px, py) of a grid of w.rows x w.columns at `stride` elements a row; `border` counts for
// what lies outside (cv2.warpAffine).
template <class T>
__device__ __forceinline__ float bilinear(const T *plane, int stride, const Warp &w, float px,
                                          float py, float border) {
    // Far outside, an int would overflow.
    if (!(px > -1.0f && py > -1.0f && px < (float)w.columns && py < (float)w.rows)) return border;
    int x0 = (int)floorf(px), y0 = (int)floorf(py);
    float tx = px - x0, ty = py - y0, v[2][2];
#pragma unroll
    for (int j = 0; j < 2; ++j)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            int c = x0 + i, r = y0 + j;
            bool in = c >= 0 && r >= 0 && c < w.columns && r < w.rows;
            v[j][i] = in ? get(plane, (long long)r * stride + c) : border;
        }
    float upper = v[0][0] + tx * (v[0][1] - v[0][0]), lower = v[1][0] + tx * (v[1][1] - v[1][0]);
    return upper + ty * (lower - upper);
}

// The last frame's plane at (x, y) of this grid.
__device__ __forceinline__ float warped(const float *plane, const Warp &w, int x, int y,
                                        float border) {
    if (w.same) return __ldg(plane + (long long)y * w.columns + x);
    return bilinear(plane, w.columns, w, x * w.scale_x + w.shift_x, y * w.scale_y + w.shift_y,
                    border);
}

// m = clip((box3(d) - low) / (high - low), 0, 1) with d = |dY| + (|dCb| + |dCr|) / 2, loosened to
// m + (1-m)*(1-h), where h goes from `agreed` to `disputed` with |box3(a_t - alpha_{t-1})|, and
// alpha_t = m*a_t + (1-m)*(s*alpha_{t-1} + (1-s)*a_t); m is 1 where there is no past.
//
// planes: 3 x rows x columns (Y, Cb, Cr), alpha (a_t), moved, out (alpha_t; not alpha's own plane,
// where neighbours are read too): rows x columns, dense. previous: the last frame's verdict; where it
// showed nobody, or `history` is 0, there is no past. verdict->peak becomes the largest alpha.
// Must move: 32 bytes a pixel in, 8 out.
extern "C" __global__ void __launch_bounds__(STEADY_X *STEADY_Y)
steady(const float *planes, const float *alpha, const float *previous_planes,
       const float *previous_alpha, int rows, int columns, float scale_x, float shift_x,
       float scale_y, float shift_y, int previous_rows, int previous_columns, int same, float low,
       float high, float strength, float agreed, float disputed, int history,
       const Verdict *previous, float *moved, float *out, Verdict *verdict) {
    __shared__ float change[STEADY_Y + 2][STEADY_X + 2];
    __shared__ float apart[STEADY_Y + 2][STEADY_X + 2];
    __shared__ int peak;
    Warp w = {scale_x, shift_x, scale_y, shift_y, previous_rows, previous_columns, same};
    bool past = history && shown(previous);
    int x0 = blockIdx.x * STEADY_X, y0 = blockIdx.y * STEADY_Y;
    int t = threadIdx.y * STEADY_X + threadIdx.x;
    if (t == 0) peak = 0;
    if (past) {
        for (int i = t; i < (STEADY_X + 2) * (STEADY_Y + 2); i += STEADY_X * STEADY_Y) {
            int column = i % (STEADY_X + 2), line = i / (STEADY_X + 2);
            int x = reflect(x0 + column - 1, columns), y = reflect(y0 + line - 1, rows);
            float d[3], first = 0;
#pragma unroll
            for (int c = 0; c < 3; ++c) {
                const float *then = previous_planes + (long long)c * w.rows * w.columns;
                float before = warped(then, w, x, y, -1000.0f);
                if (c == 0) first = before;
                d[c] = fabsf(__ldg(planes + ((long long)c * rows + y) * columns + x) - before);
            }
            change[line][column] = first < 0.0f ? 255.0f : d[0] + 0.5f * (d[1] + d[2]);
            apart[line][column] = __ldg(alpha + (long long)y * columns + x) -
                                  warped(previous_alpha, w, x, y, 0.0f);
        }
    }
    __syncthreads();
    int x = x0 + threadIdx.x, y = y0 + threadIdx.y;
    if (x < columns && y < rows) {
        long long at = (long long)y * columns + x;
        float m = 1.0f, v = alpha[at];
        if (past) {
            int cx = threadIdx.x + 1, cy = threadIdx.y + 1;
            float sum = 0, off = 0;
            for (int j = -1; j <= 1; ++j)
                for (int i = -1; i <= 1; ++i) {
                    sum += change[cy + j][cx + i];
                    off += apart[cy + j][cx + i];
                }
            m = clampf((sum * (1.0f / 9.0f) - low) / fmaxf(high - low, 1e-3f), 0.0f, 1.0f);
            float dispute = (fabsf(off) * (1.0f / 9.0f) - AGREES) / (DISAGREES - AGREES);
            float held = agreed + clampf(dispute, 0.0f, 1.0f) * (disputed - agreed);
            m += (1.0f - m) * (1.0f - held);
            v -= (1.0f - m) * strength * apart[cy][cx];
        }
        moved[at] = m;
        out[at] = v;
        // Bits of floats of 0 or more are in the order of the floats.
        if (v > 0.0f) atomicMax(&peak, __float_as_int(v));
    }
    __syncthreads();
    if (t == 0 && verdict && peak > 0) atomicMax(&verdict->peak, peak);
}

// A plane re-sampled from the grid of one part of the frame to that of another. Twin: resample.
// Must move: 4 bytes a pixel in, 4 out.
extern "C" __global__ void resample(const float *plane, int plane_rows, int plane_columns,
                                    float scale_x, float shift_x, float scale_y, float shift_y,
                                    int same, float border, float *out, int rows, int columns) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= columns || y >= rows) return;
    Warp w = {scale_x, shift_x, scale_y, shift_y, plane_rows, plane_columns, same};
    out[(long long)y * columns + x] = warped(plane, w, x, y, border);
}
