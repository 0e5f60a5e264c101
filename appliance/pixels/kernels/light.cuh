// The person's layer in the light of what is behind. Twin: Relight.
#pragma once

// Bilinear on a small grid of bytes, borders repeated: between cells at column c and c + 1 (s), rows
// k and k + 1 (t).
__device__ __forceinline__ float on_grid(const u8 *plane, int rows, int columns, int step,
                                         int channel, int k, float t, int c, float s) {
    const u8 *upper = plane + (long long)k * columns * step + channel;
    const u8 *lower = plane + (long long)min(k + 1, rows - 1) * columns * step + channel;
    int d = min(c + 1, columns - 1);
    float a = __ldg(upper + c * step), b = __ldg(lower + c * step);
    float l = a + t * (b - a);
    a = __ldg(upper + d * step), b = __ldg(lower + d * step);
    return l + s * (a + t * (b - a) - l);
}

// F = M (Y, Cb, Cr, 1), then F += share * alpha * (B - F), in place, within left, top, right, bottom.
// matrix: 12 floats, null: colours stay. soft: alpha out of focus, bytes on the grid over width x
// height, null: no light comes round; share = strength * (1 - soft); luma, chroma: B, on the grid.
// A thread makes 2x2 samples. Must move, in the rectangle: 2.5 bytes a pixel in, 1.5 out.
extern "C" __global__ void
relight(u8 *y, int y_pitch, u8 *uv, int uv_pitch, const u8 *alpha, int alpha_pitch, int width,
        int height, int left, int top, int right, int bottom, const float *matrix, const u8 *soft,
        const u8 *luma, const u8 *chroma, int rows, int columns, float strength) {
    int x = left + 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int line = top + 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= right || line >= bottom) return;
    u8 shows[2][2];
    int any = 0;
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i)
            any |= shows[r][i] = __ldg(alpha + (long long)(line + r) * alpha_pitch + x + i);
    if (!any) return;
    u8 *to[2] = {y + (long long)line * y_pitch + x, y + (long long)(line + 1) * y_pitch + x};
    u8 *to_uv = uv + (long long)(line / 2) * uv_pitch + x;
    float front[2][2], cb = to_uv[0], cr = to_uv[1], sum = 0;
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i) sum += front[r][i] = to[r][i];
    if (matrix) {
        float m[12], mean = 0.25f * sum;
#pragma unroll
        for (int i = 0; i < 12; ++i) m[i] = __ldg(matrix + i);
        float add = m[1] * cb + m[2] * cr + m[3];
#pragma unroll
        for (int r = 0; r < 2; ++r)
#pragma unroll
            for (int i = 0; i < 2; ++i) front[r][i] = to_byte_clamped(m[0] * front[r][i] + add);
        float b = m[4] * mean + m[5] * cb + m[6] * cr + m[7];
        cr = to_byte_clamped(m[8] * mean + m[9] * cb + m[10] * cr + m[11]);
        cb = to_byte_clamped(b);
    }
    if (soft) {
        float weights = 0, shares[2];
#pragma unroll
        for (int r = 0; r < 2; ++r)
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                int k, c;
                float t, s, weight = shows[r][i] * (1.0f / 255.0f);
                between(line + r + 0.5f, (float)rows / height, rows, k, t);
                between(x + i + 0.5f, (float)columns / width, columns, c, s);
                float share = strength * (1.0f - on_grid(soft, rows, columns, 1, 0, k, t, c, s) *
                                                     (1.0f / 255.0f));
                float behind = on_grid(luma, rows, columns, 1, 0, k, t, c, s);
                front[r][i] += weight * share * (behind - front[r][i]);
                weights += weight;
            }
        int k, c;
        float t, s;
        between(line + 1.0f, (float)rows / height, rows, k, t);
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            // Each of Cb and Cr takes the share at the column that it stands in, as the twin does.
            between(x + i + 0.5f, (float)columns / width, columns, c, s);
            shares[i] = strength * (1.0f - on_grid(soft, rows, columns, 1, 0, k, t, c, s) *
                                               (1.0f / 255.0f));
        }
        between(x + 1.0f, (float)columns / width, columns, c, s);
        cb += 0.25f * weights * shares[0] *
              (on_grid(chroma, rows, columns, 2, 0, k, t, c, s) - cb);
        cr += 0.25f * weights * shares[1] *
              (on_grid(chroma, rows, columns, 2, 1, k, t, c, s) - cr);
    }
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < 2; ++i) to[r][i] = to_byte_clamped(front[r][i]);
    to_uv[0] = to_byte_clamped(cb);
    to_uv[1] = to_byte_clamped(cr);
}
