// Edge: the matte's edge shrunk or grown, and softened. Twins: shape_edge (edge_coarse,
// edge_blur_rows, edge_blur_columns, edge_normals, edge_move, edge_finish), edge_guide.
//
// All but the last work on the network's grid, whose planes stay in the L2 cache.
#pragma once

// cpu/edge.py has the same, and says what they are.
constexpr float FLAT = 0.02f, STEEP = 0.1f, SPARE = 0.05f, MOST_SHIFT = 4.0f;

// The matte on the grid: a*Y + b, clipped to 0..1. Must move: 12 bytes a pixel in, 4 out.
extern "C" __global__ void edge_coarse(const float *luma, const float *a, const float *b, int rows,
                                       int columns, float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    long long at = (long long)y * columns + x;
    out[at] = clampf(a[at] * luma[at] + b[at], 0.0f, 1.0f);
}

// Weight of a pixel `d` away in a Gaussian blur, not yet divided by their sum.
__device__ __forceinline__ float gaussian(int d, float sigma) {
    return expf(-0.5f * (float)(d * d) / fmaxf(sigma * sigma, 1e-12f));
}

// Gaussian along rows, radius ceil(2.5 sigma), the border goes on. Must move: 4 bytes a pixel in,
// 4 out.
extern "C" __global__ void edge_blur_rows(const float *plane, int rows, int columns, float sigma,
                                          int radius, float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    const float *row = plane + (long long)y * columns;
    float sum = 0, weights = 0;
    for (int d = -radius; d <= radius; ++d) {
        float w = gaussian(d, sigma);
        sum += w * __ldg(row + clampi(x + d, 0, columns - 1));
        weights += w;
    }
    out[(long long)y * columns + x] = sum / weights;
}

// The same along columns.
extern "C" __global__ void edge_blur_columns(const float *plane, int rows, int columns, float sigma,
                                             int radius, float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    float sum = 0, weights = 0;
    for (int d = -radius; d <= radius; ++d) {
        float w = gaussian(d, sigma);
        sum += w * __ldg(plane + (long long)clampi(y + d, 0, rows - 1) * columns + x);
        weights += w;
    }
    out[(long long)y * columns + x] = sum / weights;
}

// The direction in which a blurred matte rises, 1 long where it is steep; out: 2 planes, x and y.
// unit: what makes the steepest slope a pixel of the picture 1. Must move: 4 bytes a pixel in, 8
// out.
extern "C" __global__ void edge_normals(const float *soft, int rows, int columns, float scale_x,
                                        float scale_y, float unit, float *out) {
    int i, j;
    if (!pixel(rows, columns, i, j)) return;
    const float *row = soft + (long long)j * columns;
    int upper = max(j - 1, 0), lower = min(j + 1, rows - 1);
    float x = (__ldg(row + min(i + 1, columns - 1)) - __ldg(row + max(i - 1, 0))) * 0.5f / scale_x;
    float y = (__ldg(soft + (long long)lower * columns + i) -
               __ldg(soft + (long long)upper * columns + i)) * 0.5f / scale_y;
    float size = sqrtf(x * x + y * y);
    float steep = fminf((size * unit - FLAT) / (STEEP - FLAT), 1.0f);
    float share = steep > 0.0f ? steep / size : 0.0f;
    long long at = (long long)j * columns + i;
    out[at] = x * share;
    out[(long long)rows * columns + at] = y * share;
}

// Bilinear; the border goes on outside.
__device__ __forceinline__ float bilinear(const float *plane, int rows, int columns, float x,
                                          float y) {
    x = clampf(x, 0.0f, (float)(columns - 1));
    y = clampf(y, 0.0f, (float)(rows - 1));
    int i = min((int)x, max(columns - 2, 0)), j = min((int)y, max(rows - 2, 0));
    int k = min(i + 1, columns - 1), n = min(j + 1, rows - 1);
    float tx = x - (float)i, ty = y - (float)j;
    const float *p = plane + (long long)j * columns, *q = plane + (long long)n * columns;
    float upper = __ldg(p + i) + tx * (__ldg(p + k) - __ldg(p + i));
    float lower = __ldg(q + i) + tx * (__ldg(q + k) - __ldg(q + i));
    return upper + ty * (lower - upper);
}

// a, b and the matte on the grid, each from x - choke*n; normals null: from where they are. out: 3
// planes. Must move: 20 bytes a pixel in, 12 out.
extern "C" __global__ void edge_move(const float *a, const float *b, const float *plain,
                                     const float *normals, int rows, int columns, float choke,
                                     float scale_x, float scale_y, float *out) {
    int i, j;
    if (!pixel(rows, columns, i, j)) return;
    long long at = (long long)j * columns + i, plane = (long long)rows * columns;
    float x = normals ? normals[at] : 0.0f, y = normals ? normals[plane + at] : 0.0f;
    const float *from[3] = {a, b, plain};
#pragma unroll
    for (int c = 0; c < 3; ++c)
        out[c * plane + at] =
            x == 0.0f && y == 0.0f ? from[c][at]
                                   : bilinear(from[c], rows, columns, (float)i - choke * x / scale_x,
                                              (float)j - choke * y / scale_y);
}

// a and b softened, and F-B such that colours stay mixed as they were. moved: 3 planes, see
// edge_move; soft: the third one blurred, counted only where share is above 0; shift: 3 planes or
// null. out: a, b, and with shift F-B: 5 planes. Must move: 32 bytes a pixel in, 20 out.
extern "C" __global__ void edge_finish(const float *moved, const float *plain, const float *soft,
                                       const float *shift, int rows, int columns, float share,
                                       float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    long long at = (long long)y * columns + x, plane = (long long)rows * columns;
    float a = moved[at], b = moved[plane + at], now = moved[2 * plane + at];
    if (share > 0.0f) {
        a -= share * a;
        b += share * (soft[at] - b);
        now += share * (soft[at] - now);
    }
    out[at] = a;
    out[plane + at] = b;
    if (shift) {
        float rest = fminf((1.0f - plain[at] + SPARE) / (1.0f - now + SPARE), MOST_SHIFT);
        for (int c = 0; c < 3; ++c)
            out[(2 + c) * plane + at] = shift[c * plane + at] * rest;
    }
}

// Luma at full size from x - choke*n, over the ROI. Must move: a byte a pixel in, 1 out.
extern "C" __global__ void edge_guide(const u8 *luma, int pitch, int width, int height, int roi_x,
                                      int roi_y, int roi_width, int roi_height,
                                      const float *normals, int rows, int columns, float choke,
                                      u8 *out, int out_pitch) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= roi_width || y >= roi_height) return;
    int c, k;
    float s, t;
    between(x + 0.5f, (float)columns / roi_width, columns, c, s);
    between(y + 0.5f, (float)rows / roi_height, rows, k, t);
    int d = min(c + 1, columns - 1), n = min(k + 1, rows - 1);
    const float *down = normals + (long long)rows * columns;
    float ax = -choke * at_column(normals, columns, k, n, t, c);
    float bx = -choke * at_column(normals, columns, k, n, t, d);
    float ay = -choke * at_column(down, columns, k, n, t, c);
    float by = -choke * at_column(down, columns, k, n, t, d);
    float px = (float)(roi_x + x) + 0.5f + ax + s * (bx - ax);
    float py = (float)(roi_y + y) + 0.5f + ay + s * (by - ay);
    int from_x = (int)clampf(px, 0.0f, (float)(width - 1));
    int from_y = (int)clampf(py, 0.0f, (float)(height - 1));
    out[(long long)(roi_y + y) * out_pitch + roi_x + x] =
        __ldg(luma + (long long)from_y * pitch + from_x);
}
