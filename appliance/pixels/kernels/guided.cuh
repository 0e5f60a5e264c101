// Refine: the fast guided filter's coefficients, and the colour that soft pixels should lose. Twins:
// guided_coefficients (with the steadying of its result), foreground_shift.
//
// Box means are taken along rows, then along columns, with borders reflected as cv2.blur does. The
// planes of a network's grid stay in the L2 cache between launches, so passes cost launches rather
// than bandwidth.
#pragma once

// The grid pixel of this thread; false beyond the grid.
__device__ __forceinline__ bool pixel(int rows, int columns, int &x, int &y) {
    x = blockIdx.x * blockDim.x + threadIdx.x;
    y = blockIdx.y * blockDim.y + threadIdx.y;
    return x < columns && y < rows;
}

// Sums of I, p, I*p and I*I along rows; out: 4 planes. I is luma in 0..1. Must move: 8 bytes a
// pixel in, 16 out.
extern "C" __global__ void guided_rows(const float *luma, const float *alpha, int rows, int columns,
                                       int radius, float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    const float *guide = luma + (long long)y * columns, *p = alpha + (long long)y * columns;
    float sums[4] = {0, 0, 0, 0};
    for (int d = -radius; d <= radius; ++d) {
        int c = reflect(x + d, columns);
        float i = __ldg(guide + c) * (1.0f / 255.0f), v = __ldg(p + c);
        sums[0] += i;
        sums[1] += v;
        sums[2] += i * v;
        sums[3] += i * i;
    }
    long long at = (long long)y * columns + x, plane = (long long)rows * columns;
    for (int k = 0; k < 4; ++k) out[k * plane + at] = sums[k];
}

// Down the columns, then a = cov(I, p) / (var(I) + epsilon), b = mean(p) - a * mean(I); out: 2
// planes. Must move: 16 bytes a pixel in, 8 out.
extern "C" __global__ void guided_columns(const float *sums, int rows, int columns, int radius,
                                          float epsilon, float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    long long plane = (long long)rows * columns;
    float m[4] = {0, 0, 0, 0};
    for (int d = -radius; d <= radius; ++d) {
        long long at = (long long)reflect(y + d, rows) * columns + x;
        for (int k = 0; k < 4; ++k) m[k] += __ldg(sums + k * plane + at);
    }
    float side = 2 * radius + 1, norm = 1.0f / (side * side);
    for (int k = 0; k < 4; ++k) m[k] *= norm;
    float a = (m[2] - m[0] * m[1]) / (m[3] - m[0] * m[0] + epsilon);
    long long at = (long long)y * columns + x;
    out[at] = a;
    out[plane + at] = m[1] - a * m[0];
}

// Sums of a and b along rows; 2 planes each. Must move: 8 bytes a pixel in, 8 out.
extern "C" __global__ void guided_mean_rows(const float *ab, int rows, int columns, int radius,
                                            float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    long long plane = (long long)rows * columns, row = (long long)y * columns;
    float a = 0, b = 0;
    for (int d = -radius; d <= radius; ++d) {
        long long at = row + reflect(x + d, columns);
        a += __ldg(ab + at);
        b += __ldg(ab + plane + at);
    }
    out[row + x] = a;
    out[plane + row + x] = b;
}

// a and b at `at`, blended with the last frame's where the picture stood still (twin: steady on each).
__device__ inline void hold_means(const float *previous, const float *moved, float strength,
                                  long long plane, long long at, float &a, float &b) {
    float rest = (1.0f - moved[at]) * strength;
    // No arithmetic where it counts nothing: what is there may be the very first frame's junk.
    if (rest > 0.0f) {
        a += rest * (previous[at] - a);
        b += rest * (previous[plane + at] - b);
    }
}

// Down the columns: the final a (for luma in 0..255) and b. Where `previous` is given, they are
// blended with the last frame's where the picture stood still (twin: steady on each).
// Must move: 8 bytes a pixel in, 8 out; steadied 12 more in.
extern "C" __global__ void guided_mean_columns(const float *sums, int rows, int columns, int radius,
                                               const float *previous, const float *moved,
                                               float strength, float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    long long plane = (long long)rows * columns, at = (long long)y * columns + x;
    float a = 0, b = 0;
    for (int d = -radius; d <= radius; ++d) {
        long long from = (long long)reflect(y + d, rows) * columns + x;
        a += __ldg(sums + from);
        b += __ldg(sums + plane + from);
    }
    float side = 2 * radius + 1, norm = 1.0f / (side * side);
    a *= norm * (1.0f / 255.0f);
    b *= norm;
    if (previous) hold_means(previous, moved, strength, plane, at, a, b);
    out[at] = a;
    out[plane + at] = b;
}

// Weighted sums along rows: of f = alpha^4 and g = (1-alpha)^4, then of f*Y, f*Cb, f*Cr, g*Y, g*Cb,
// g*Cr; out: 8 planes. Must move: 16 bytes a pixel in, 32 out.
extern "C" __global__ void shift_rows(const float *planes, const float *alpha, int rows,
                                      int columns, int radius, float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    long long plane = (long long)rows * columns, row = (long long)y * columns;
    float sums[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int d = -radius; d <= radius; ++d) {
        long long at = row + reflect(x + d, columns);
        float v = __ldg(alpha + at), f = v * v, g = (1.0f - v) * (1.0f - v);
        f *= f;
        g *= g;
        sums[0] += f;
        sums[1] += g;
#pragma unroll
        for (int c = 0; c < 3; ++c) {
            float value = __ldg(planes + c * plane + at);
            sums[2 + c] += f * value;
            sums[5 + c] += g * value;
        }
    }
    for (int k = 0; k < 8; ++k) out[k * plane + row + x] = sums[k];
}

// Down the columns: F - B of Y, Cb, Cr, 0 where one side is not at hand; out: 3 planes.
// Must move: 32 bytes a pixel in, 12 out.
extern "C" __global__ void shift_columns(const float *sums, int rows, int columns, int radius,
                                         float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    long long plane = (long long)rows * columns, at = (long long)y * columns + x;
    float m[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int d = -radius; d <= radius; ++d) {
        long long from = (long long)reflect(y + d, rows) * columns + x;
#pragma unroll
        for (int k = 0; k < 8; ++k) m[k] += __ldg(sums + k * plane + from);
    }
    float side = 2 * radius + 1, norm = 1.0f / (side * side);
    float front = m[0] * norm, back = m[1] * norm;
    bool both = front > 1e-3f && back > 1e-3f;
    for (int c = 0; c < 3; ++c)
        out[c * plane + at] = both ? m[2 + c] * norm / front - m[5 + c] * norm / back : 0.0f;
}

// The same in one launch each, for radii up to BOX_RADIUS: a block makes BOX_X x BOX_Y grid pixels from
// what lies around them, along rows and then down the columns, in shared memory.
constexpr int BOX_X = 32, BOX_Y = 8, BOX_RADIUS = 4;
constexpr int BOX_WIDE = BOX_X + 2 * BOX_RADIUS, BOX_HIGH = BOX_Y + 2 * BOX_RADIUS;

template <int N> using BoxTile = float[N][BOX_HIGH][BOX_WIDE];
template <int N> using BoxLines = float[N][BOX_HIGH][BOX_X];

// What lies around the block's pixels: N planes, as `value(at, planes)` gives them at a place.
template <int N, class F>
__device__ __forceinline__ void box_fill(BoxTile<N> &tile, int rows, int columns, int radius, F value) {
    int x0 = blockIdx.x * BOX_X - radius, y0 = blockIdx.y * BOX_Y - radius;
    for (int j = threadIdx.y; j < BOX_Y + 2 * radius; j += BOX_Y) {
        int row = reflect(y0 + j, rows) * columns;
        for (int i = threadIdx.x; i < BOX_X + 2 * radius; i += BOX_X) {
            float v[N];
            value(row + reflect(x0 + i, columns), v);
#pragma unroll
            for (int k = 0; k < N; ++k) tile[k][j][i] = v[k];
        }
    }
    __syncthreads();
}

// M sums along rows, of what `add` makes of a tile's N values.
template <int N, int M, class F>
__device__ __forceinline__ void box_rows(const BoxTile<N> &tile, BoxLines<M> &lines, int radius, F add) {
    for (int j = threadIdx.y; j < BOX_Y + 2 * radius; j += BOX_Y) {
        float sums[M];
#pragma unroll
        for (int k = 0; k < M; ++k) sums[k] = 0.0f;
        for (int d = 0; d <= 2 * radius; ++d) {
            float v[N];
#pragma unroll
            for (int k = 0; k < N; ++k) v[k] = tile[k][j][threadIdx.x + d];
            add(v, sums);
        }
#pragma unroll
        for (int k = 0; k < M; ++k) lines[k][j][threadIdx.x] = sums[k];
    }
    __syncthreads();
}

template <int M>
__device__ __forceinline__ void box_columns(const BoxLines<M> &lines, int radius, float (&sums)[M]) {
#pragma unroll
    for (int k = 0; k < M; ++k) sums[k] = 0.0f;
    for (int d = 0; d <= 2 * radius; ++d)
#pragma unroll
        for (int k = 0; k < M; ++k) sums[k] += lines[k][threadIdx.y + d][threadIdx.x];
}

// guided_rows and guided_columns. Must move: 8 bytes a pixel in, 8 out.
extern "C" __global__ void __launch_bounds__(BOX_X *BOX_Y)
guided_box(const float *luma, const float *alpha, int rows, int columns, int radius, float epsilon,
           float *out) {
    __shared__ BoxTile<2> tile;
    __shared__ BoxLines<4> lines;
    box_fill<2>(tile, rows, columns, radius, [=](int at, float *v) {
        v[0] = __ldg(luma + at) * (1.0f / 255.0f);
        v[1] = __ldg(alpha + at);
    });
    box_rows<2, 4>(tile, lines, radius, [](const float *v, float *sums) {
        sums[0] += v[0];
        sums[1] += v[1];
        sums[2] += v[0] * v[1];
        sums[3] += v[0] * v[0];
    });
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    float m[4], side = 2 * radius + 1, norm = 1.0f / (side * side);
    box_columns(lines, radius, m);
#pragma unroll
    for (int k = 0; k < 4; ++k) m[k] *= norm;
    float a = (m[2] - m[0] * m[1]) / (m[3] - m[0] * m[0] + epsilon);
    int at = y * columns + x;
    out[at] = a;
    out[rows * columns + at] = m[1] - a * m[0];
}

// guided_mean_rows and guided_mean_columns. Must move: 8 bytes a pixel in, 8 out; steadied 12 more in.
extern "C" __global__ void __launch_bounds__(BOX_X *BOX_Y)
guided_mean_box(const float *ab, int rows, int columns, int radius, const float *previous,
                const float *moved, float strength, float *out) {
    __shared__ BoxTile<2> tile;
    __shared__ BoxLines<2> lines;
    int plane = rows * columns;
    box_fill<2>(tile, rows, columns, radius, [=](int at, float *v) {
        v[0] = __ldg(ab + at);
        v[1] = __ldg(ab + plane + at);
    });
    box_rows<2, 2>(tile, lines, radius, [](const float *v, float *sums) {
        sums[0] += v[0];
        sums[1] += v[1];
    });
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    float m[2], side = 2 * radius + 1, norm = 1.0f / (side * side);
    box_columns(lines, radius, m);
    float a = m[0] * (norm * (1.0f / 255.0f)), b = m[1] * norm;
    int at = y * columns + x;
    if (previous) hold_means(previous, moved, strength, plane, at, a, b);
    out[at] = a;
    out[plane + at] = b;
}

// shift_rows and shift_columns. Must move: 16 bytes a pixel in, 12 out.
extern "C" __global__ void __launch_bounds__(BOX_X *BOX_Y)
shift_box(const float *planes, const float *alpha, int rows, int columns, int radius, float *out) {
    __shared__ BoxTile<5> tile;
    __shared__ BoxLines<8> lines;
    int plane = rows * columns;
    box_fill<5>(tile, rows, columns, radius, [=](int at, float *v) {
        float one = __ldg(alpha + at), f = one * one, g = (1.0f - one) * (1.0f - one);
        v[0] = f * f;
        v[1] = g * g;
#pragma unroll
        for (int c = 0; c < 3; ++c) v[2 + c] = __ldg(planes + c * plane + at);
    });
    box_rows<5, 8>(tile, lines, radius, [](const float *v, float *sums) {
        sums[0] += v[0];
        sums[1] += v[1];
#pragma unroll
        for (int c = 0; c < 3; ++c) {
            sums[2 + c] += v[0] * v[2 + c];
            sums[5 + c] += v[1] * v[2 + c];
        }
    });
    int x, y;
    if (!pixel(rows, columns, x, y)) return;
    float m[8], side = 2 * radius + 1, norm = 1.0f / (side * side);
    box_columns(lines, radius, m);
    float front = m[0] * norm, back = m[1] * norm;
    bool both = front > 1e-3f && back > 1e-3f;
    int at = y * columns + x;
#pragma unroll
    for (int c = 0; c < 3; ++c)
        out[c * plane + at] = both ? m[2 + c] * norm / front - m[5 + c] * norm / back : 0.0f;
}
