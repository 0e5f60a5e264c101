// Blur, for blur://: the plane halved as often as nobody will see, a Gaussian there, and enlarged
// again. Twin: background/blur.py. `step` is the number of interleaved channels, 1 or 2; widths are
// in pixels, pitches in bytes.
#pragma once

// A plane made small by area means, dense; step: interleaved channels, 1 or 2; widths in pixels,
// neither side smaller than the grid. Must move: 1 byte for each byte of the plane.
extern "C" __global__ void shrink(const u8 *plane, int pitch, int width, int height, int step,
                                  u8 *out, int rows, int columns) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= columns * step || j >= rows) return;
    int x = i / step, c = i - x * step;
    Stretch across = stretch(x, columns, width), down = stretch(j, rows, height);
    float sum = 0;
    for (int r = down.first; r < down.last; ++r) {
        float line = 0;
        for (int k = across.first; k < across.last; ++k)
            line += row_share(across, k) * __ldg(plane + (long long)r * pitch + k * step + c);
        sum += row_share(down, r) * line;
    }
    float norm = (float)columns * rows / ((float)width * height);
    out[(long long)j * columns * step + i] = to_byte_clamped(sum * norm);
}

// Gaussian along rows, borders repeated; weights[2 * radius + 1]; out: float, dense.
// Must move: 5 bytes for each byte of the plane.
extern "C" __global__ void gauss_rows(const u8 *plane, int pitch, int width, int height, int step,
                                      const float *weights, int radius, float *out) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= width * step || j >= height) return;
    int x = i / step, c = i - x * step;
    const u8 *row = plane + (long long)j * pitch + c;
    float sum = 0;
    for (int d = -radius; d <= radius; ++d)
        sum += __ldg(weights + d + radius) * __ldg(row + clampi(x + d, 0, width - 1) * step);
    out[(long long)j * width * step + i] = sum;
}

// Gaussian along columns. Must move: 5 bytes for each byte of the plane.
extern "C" __global__ void gauss_columns(const float *sums, int width, int height, int step,
                                         const float *weights, int radius, u8 *out, int out_pitch) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= width * step || j >= height) return;
    float sum = 0;
    for (int d = -radius; d <= radius; ++d)
        sum += __ldg(weights + d + radius) *
               __ldg(sums + (long long)clampi(j + d, 0, height - 1) * width * step + i);
    out[(long long)j * out_pitch + i] = to_byte_clamped(sum);
}

// Bilinear to out_width x out_height, borders repeated; a thread makes 4 bytes of a row.
// Must move: 1 byte out for each byte of the result, and the small plane in.
extern "C" __global__ void enlarge(const u8 *plane, int pitch, int width, int height, int step,
                                   u8 *out, int out_pitch, int out_width, int out_height) {
    int at = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    int j = blockIdx.y * blockDim.y + threadIdx.y, bytes = out_width * step;
    if (at >= bytes || j >= out_height) return;
    int ky;
    float ty;
    between(j + 0.5f, (float)height / out_height, height, ky, ty);
    const u8 *upper = plane + (long long)ky * pitch;
    const u8 *lower = plane + (long long)min(ky + 1, height - 1) * pitch;
    u8 made[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        int x = min(at + i, bytes - 1) / step, c = min(at + i, bytes - 1) - x * step, kx;
        float tx;
        between(x + 0.5f, (float)width / out_width, width, kx, tx);
        int nx = min(kx + 1, width - 1);
        float a = __ldg(upper + kx * step + c), b = __ldg(upper + nx * step + c);
        float d = __ldg(lower + kx * step + c), e = __ldg(lower + nx * step + c);
        float first = a + tx * (b - a), second = d + tx * (e - d);
        made[i] = to_byte_clamped(first + ty * (second - first));
    }
    u8 *to = out + (long long)j * out_pitch + at;
    if (at + 4 <= bytes && aligned(to, 4)) {
        *(u32 *)to = word_of(made);
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i)
        if (at + i < bytes) to[i] = made[i];
}
