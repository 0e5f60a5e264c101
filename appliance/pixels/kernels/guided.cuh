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
    if (previous) {
        float rest = (1.0f - moved[at]) * strength;
        // No arithmetic where it counts nothing: what is there may be the very first frame's junk.
        if (rest > 0.0f) {
            a += rest * (previous[at] - a);
            b += rest * (previous[plane + at] - b);
        }
    }
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
