// Crop: a part of a surface, antialiased to the network's grid, as Y, Cb, Cr planes and as the
// normalised tensor, in one pass. Twins: crop_planes (NV12), surfaces.crop_surface (YUYV, BGRx),
// planes_to_tensor.
//
// Must move: the part of the surface once (NV12 1.5, YUYV 2, BGRx 4 bytes a pixel of it), and out
// 12 bytes a grid pixel of planes and 12 (fp32) or 6 (fp16) of tensor.
//
// A block makes CHUNK (or fewer) neighbouring grid pixels of one grid row. First its threads add up
// the source rows under it, neighbouring threads on neighbouring words, into a line of column sums
// in shared memory; then each thread adds up its own grid pixel's stretch of that line.
#pragma once

constexpr int CROP_THREADS = 128;
constexpr int CROP_LINE = 2048;  // column sums a block can hold for each of luma and chroma

// What the tensor needs: 3x4 from (Y, Cb, Cr, 1) to its channels, then mean[3] and scale[3].
struct Conversion {
    float matrix[12], mean[3], scale[3];
};

__device__ __forceinline__ void put(float *tensor, long long at, float v) { tensor[at] = v; }
__device__ __forceinline__ void put(__half *tensor, long long at, float v) {
    tensor[at] = __float2half_rn(v);
}

// A grid cell's stretch of n source pixels over `cells` cells, exactly: whole pixels first..last-1,
// of which the first counts `head` and the last, if another one, `tail` (in pixels).
struct Stretch {
    int first, last;
    float head, tail;
};

// n / per and what is left, for quotients below 2^16: by floats, which are one off at most. A GPU has
// no instruction for it.
__device__ __forceinline__ int divided(u32 n, u32 per, float share, int &left) {
    int q = __float_as_int(__fadd_rz((float)n * share, WHOLE)) & 0x7fffff;
    left = (int)(n - (u32)q * per);
    if (left < 0) {
        --q;
        left += (int)per;
    } else if (left >= (int)per) {
        ++q;
        left -= (int)per;
    }
    return q;
}

__device__ __forceinline__ Stretch stretch(int cell, int cells, int n) {
    // Unsigned 32 bits hold it: neither side of a picture has more than 65535 pixels.
    u32 low = (u32)cell * (u32)n, high = low + (u32)n, per = (u32)cells;
    float share = 1.0f / (float)cells;
    int before, beyond;
    Stretch s;
    s.first = divided(low, per, share, before);
    s.last = divided(high, per, share, beyond);
    if (beyond > 0) ++s.last;
    float start = (float)before * share;
    float end = beyond > 0 ? 1.0f - (float)beyond * share : 0.0f;
    s.head = s.last - s.first == 1 ? 1.0f - start - end : 1.0f - start;
    s.tail = 1.0f - end;
    return s;
}

__device__ __forceinline__ float row_share(const Stretch &s, int r) {
    return r == s.first ? s.head : r == s.last - 1 ? s.tail : 1.0f;
}

__device__ __forceinline__ void add_word(u32 word, float w, float &s0, float &s1, float &s2,
                                         float &s3) {
    s0 += w * float_of_byte(word, 0);
    s1 += w * float_of_byte(word, 1);
    s2 += w * float_of_byte(word, 2);
    s3 += w * float_of_byte(word, 3);
}

// Sums of bytes 0 and 2, and of 1 and 3, as halves of words.
__device__ __forceinline__ void add_pairs(u32 even, u32 odd, float &s0, float &s1, float &s2,
                                          float &s3) {
    s0 += (float)(even & 0xffffu);
    s1 += (float)(odd & 0xffffu);
    s2 += (float)(even >> 16);
    s3 += (float)(odd >> 16);
}

// Column sums of bytes [from, to) of the rows under `s`, into line[0..to-from).
__device__ __forceinline__ void sum_columns(const u8 *plane, int pitch, int x_byte, int y0,
                                            const Stretch &s, int from, int to, float *line) {
    const u8 *base = plane + (long long)y0 * pitch + x_byte + from;
    int n = to - from;
    if (aligned(base, 4) && (pitch & 3) == 0) {
        for (int i = 4 * threadIdx.x; i < n; i += 4 * blockDim.x) {
            float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
            const u8 *p = base + (long long)s.first * pitch + i;
            bool whole = i + 4 <= n;
            if (whole) {
                // Rows that count in full are added as whole numbers, two bytes in a word.
                u32 even = 0, odd = 0;
                int r = s.first, left = 0;
                add_word(__ldg((const u32 *)p), s.head, s0, s1, s2, s3);
                for (++r, p += pitch; r < s.last - 1; ++r, p += pitch) {
                    u32 word = __ldg((const u32 *)p);
                    even += word & 0x00ff00ffu;
                    odd += word >> 8 & 0x00ff00ffu;
                    if (++left == 256) {
                        add_pairs(even, odd, s0, s1, s2, s3);
                        left = even = odd = 0;
                    }
                }
                add_pairs(even, odd, s0, s1, s2, s3);
                if (r < s.last) add_word(__ldg((const u32 *)p), s.tail, s0, s1, s2, s3);
            } else {
                for (int r = s.first; r < s.last; ++r, p += pitch) {
                    float w = row_share(s, r);
                    s0 += w * __ldg(p);
                    if (i + 1 < n) s1 += w * __ldg(p + 1);
                    if (i + 2 < n) s2 += w * __ldg(p + 2);
                }
            }
            line[i] = s0;
            if (i + 1 < n) line[i + 1] = s1;
            if (i + 2 < n) line[i + 2] = s2;
            if (i + 3 < n) line[i + 3] = s3;
        }
    } else {
        for (int i = threadIdx.x; i < n; i += blockDim.x) {
            float sum = 0;
            const u8 *p = base + (long long)s.first * pitch + i;
            for (int r = s.first; r < s.last; ++r, p += pitch) sum += row_share(s, r) * __ldg(p);
            line[i] = sum;
        }
    }
}

// One component's stretch of a line: every step'th sum from `offset`, the line starting at pixel
// `origin`.
__device__ __forceinline__ float sum_stretch(const float *line, int origin, const Stretch &s,
                                             int step, int offset) {
    const float *p = line + (s.first - origin) * step + offset;
    float total = *p * s.head;
    for (int i = s.first + 1; i < s.last; ++i) {
        p += step;
        total += *p * (i == s.last - 1 ? s.tail : 1.0f);
    }
    return total;
}

// Bilinear with borders repeated, for parts that grow: cv2.resize's INTER_LINEAR. The sample at
// (r, c) stands at plane[(y0 + r) * pitch + x_byte + c * step].
__device__ __forceinline__ float bilinear(const u8 *plane, int pitch, int x_byte, int y0, int step,
                                          int width, int height, int i, int j, int columns,
                                          int rows) {
    int kx, ky;
    float tx, ty;
    between(i + 0.5f, (float)width / columns, width, kx, tx);
    between(j + 0.5f, (float)height / rows, height, ky, ty);
    int nx = min(kx + 1, width - 1), ny = min(ky + 1, height - 1);
    const u8 *upper = plane + (long long)(y0 + ky) * pitch + x_byte;
    const u8 *lower = plane + (long long)(y0 + ny) * pitch + x_byte;
    float a = upper[kx * step], b = upper[nx * step], c = lower[kx * step], d = lower[nx * step];
    float first = a + tx * (b - a), second = c + tx * (d - c);
    return first + ty * (second - first);
}

// Planes and tensor of one grid pixel.
template <class T>
__device__ __forceinline__ void finish(float y, float cb, float cr, int i, int j, int rows,
                                       int columns, float *planes, T *tensor,
                                       long long tensor_plane, int tensor_row, int tensor_x,
                                       int tensor_y, const Conversion *conversion) {
    long long at = (long long)j * columns + i, plane = (long long)rows * columns;
    planes[at] = y;
    planes[plane + at] = cb;
    planes[2 * plane + at] = cr;
    if (tensor == nullptr) return;
    long long to = (long long)(tensor_y + j) * tensor_row + tensor_x + i;
#pragma unroll
    for (int c = 0; c < 3; ++c) {
        const float *m = conversion->matrix + 4 * c;
        float v = clampf(m[0] * y + m[1] * cb + m[2] * cr + m[3], 0.0f, 255.0f);
        put(tensor, c * tensor_plane + to, (v - conversion->mean[c]) * conversion->scale[c]);
    }
}

// Shared by all formats. `chunk` grid pixels a block, such that their stretches fit the lines.
template <class T>
__device__ __forceinline__ void crop_nv12(float *luma, float *chroma, const u8 *y, int y_pitch,
                                          const u8 *uv, int uv_pitch, int x0, int y0, int width,
                                          int height, int rows, int columns, int chunk,
                                          float *planes, T *tensor, int tensor_rows,
                                          int tensor_columns, int tensor_x, int tensor_y,
                                          const Conversion *conversion) {
    int j = blockIdx.y, start = blockIdx.x * chunk, end = min(start + chunk, columns);
    int half_w = width / 2, half_h = height / 2;
    // Luma may shrink while chroma, of half its size, grows.
    bool shrink = height >= rows && width >= columns;
    bool shrink_c = half_h >= rows && half_w >= columns;
    int from = 0, from_c = 0;
    Stretch down = {0, 0, 0, 0}, down_c = {0, 0, 0, 0};
    if (shrink) {
        down = stretch(j, rows, height);
        from = stretch(start, columns, width).first;
        from -= (x0 + from) & 3;  // a few columns more, so that whole words are read
        int to = stretch(end - 1, columns, width).last;
        sum_columns(y, y_pitch, x0, y0, down, from, to, luma);
    }
    if (shrink_c) {
        down_c = stretch(j, rows, half_h);
        from_c = stretch(start, columns, half_w).first;
        from_c -= ((x0 + 2 * from_c) & 3) / 2;
        int to = stretch(end - 1, columns, half_w).last;
        sum_columns(uv, uv_pitch, x0, y0 / 2, down_c, 2 * from_c, 2 * to, chroma);
    }
    __syncthreads();
    for (int i = start + threadIdx.x; i < end; i += blockDim.x) {
        float v, cb, cr;
        if (shrink) {
            float norm = (float)rows * columns / ((float)width * height);
            v = norm * sum_stretch(luma, from, stretch(i, columns, width), 1, 0);
        } else {
            v = bilinear(y, y_pitch, x0, y0, 1, width, height, i, j, columns, rows);
        }
        if (shrink_c) {
            float norm = (float)rows * columns / ((float)half_w * half_h);
            Stretch s = stretch(i, columns, half_w);
            cb = norm * sum_stretch(chroma, from_c, s, 2, 0);
            cr = norm * sum_stretch(chroma, from_c, s, 2, 1);
        } else {
            cb = bilinear(uv, uv_pitch, x0, y0 / 2, 2, half_w, half_h, i, j, columns, rows);
            cr = bilinear(uv, uv_pitch, x0 + 1, y0 / 2, 2, half_w, half_h, i, j, columns, rows);
        }
        finish(v, cb, cr, i, j, rows, columns, planes, tensor,
               (long long)tensor_rows * tensor_columns, tensor_columns, tensor_x, tensor_y,
               conversion);
    }
}

// Packed YUYV: Y at every second byte, Cb and Cr at every fourth; chroma of half the width only.
template <class T>
__device__ __forceinline__ void crop_yuyv(float *line, const u8 *pixels, int pitch, int x0, int y0,
                                          int width, int height, int rows, int columns, int chunk,
                                          float *planes, T *tensor, int tensor_rows,
                                          int tensor_columns, int tensor_x, int tensor_y,
                                          const Conversion *conversion) {
    int j = blockIdx.y, start = blockIdx.x * chunk, end = min(start + chunk, columns);
    int half = width / 2;
    bool shrink = height >= rows && width >= columns;
    bool shrink_c = height >= rows && half >= columns;
    int from = 0;
    if (shrink) {
        // One line of bytes serves luma and chroma: whole groups of four.
        from = stretch(start, columns, width).first / 2 * 2;
        int to = (stretch(end - 1, columns, width).last + 1) / 2 * 2;
        if (shrink_c) {
            from = min(from, 2 * stretch(start, columns, half).first);
            to = max(to, 2 * stretch(end - 1, columns, half).last);
        }
        sum_columns(pixels, pitch, 2 * x0, y0, stretch(j, rows, height), 2 * from, 2 * to, line);
    }
    __syncthreads();
    for (int i = start + threadIdx.x; i < end; i += blockDim.x) {
        float v, cb, cr;
        if (shrink) {
            float norm = (float)rows * columns / ((float)width * height);
            v = norm * sum_stretch(line, from, stretch(i, columns, width), 2, 0);
        } else {
            v = bilinear(pixels, pitch, 2 * x0, y0, 2, width, height, i, j, columns, rows);
        }
        if (shrink_c) {
            float norm = (float)rows * columns / ((float)half * height);
            Stretch s = stretch(i, columns, half);
            cb = norm * sum_stretch(line, from / 2, s, 4, 1);
            cr = norm * sum_stretch(line, from / 2, s, 4, 3);
        } else {
            cb = bilinear(pixels, pitch, 2 * x0 + 1, y0, 4, half, height, i, j, columns, rows);
            cr = bilinear(pixels, pitch, 2 * x0 + 3, y0, 4, half, height, i, j, columns, rows);
        }
        finish(v, cb, cr, i, j, rows, columns, planes, tensor,
               (long long)tensor_rows * tensor_columns, tensor_columns, tensor_x, tensor_y,
               conversion);
    }
}

// BGRx: resized as it is, then to Y, Cb, Cr by `to_yuv` (3x4 from (B, G, R, 1)); both are linear.
template <class T>
__device__ __forceinline__ void crop_bgrx(float *line, const u8 *pixels, int pitch, int x0, int y0,
                                          int width, int height, int rows, int columns, int chunk,
                                          const float *to_yuv, float *planes, T *tensor,
                                          int tensor_rows, int tensor_columns, int tensor_x,
                                          int tensor_y, const Conversion *conversion) {
    int j = blockIdx.y, start = blockIdx.x * chunk, end = min(start + chunk, columns);
    bool shrink = height >= rows && width >= columns;
    int from = 0;
    if (shrink) {
        from = stretch(start, columns, width).first;
        int to = stretch(end - 1, columns, width).last;
        sum_columns(pixels, pitch, 4 * x0, y0, stretch(j, rows, height), 4 * from, 4 * to, line);
    }
    __syncthreads();
    for (int i = start + threadIdx.x; i < end; i += blockDim.x) {
        float bgr[3], yuv[3];
        float norm = (float)rows * columns / ((float)width * height);
        for (int c = 0; c < 3; ++c) {
            if (shrink)
                bgr[c] = norm * sum_stretch(line, from, stretch(i, columns, width), 4, c);
            else
                bgr[c] = bilinear(pixels, pitch, 4 * x0 + c, y0, 4, width, height, i, j, columns,
                                  rows);
        }
        for (int c = 0; c < 3; ++c) {
            const float *m = to_yuv + 4 * c;
            yuv[c] = m[0] * bgr[0] + m[1] * bgr[1] + m[2] * bgr[2] + m[3];
        }
        finish(yuv[0], yuv[1], yuv[2], i, j, rows, columns, planes, tensor,
               (long long)tensor_rows * tensor_columns, tensor_columns, tensor_x, tensor_y,
               conversion);
    }
}

extern "C" __global__ void __launch_bounds__(CROP_THREADS)
crop_nv12_f32(const u8 *y, int y_pitch, const u8 *uv, int uv_pitch, int x0, int y0, int width,
              int height, int rows, int columns, int chunk, float *planes, float *tensor,
              int tensor_rows, int tensor_columns, int tensor_x, int tensor_y,
              const Conversion *conversion) {
    __shared__ float luma[CROP_LINE], chroma[CROP_LINE];
    crop_nv12(luma, chroma, y, y_pitch, uv, uv_pitch, x0, y0, width, height, rows, columns, chunk,
              planes, tensor, tensor_rows, tensor_columns, tensor_x, tensor_y, conversion);
}

extern "C" __global__ void __launch_bounds__(CROP_THREADS)
crop_nv12_f16(const u8 *y, int y_pitch, const u8 *uv, int uv_pitch, int x0, int y0, int width,
              int height, int rows, int columns, int chunk, float *planes, __half *tensor,
              int tensor_rows, int tensor_columns, int tensor_x, int tensor_y,
              const Conversion *conversion) {
    __shared__ float luma[CROP_LINE], chroma[CROP_LINE];
    crop_nv12(luma, chroma, y, y_pitch, uv, uv_pitch, x0, y0, width, height, rows, columns, chunk,
              planes, tensor, tensor_rows, tensor_columns, tensor_x, tensor_y, conversion);
}

extern "C" __global__ void __launch_bounds__(CROP_THREADS)
crop_yuyv_f32(const u8 *pixels, int pitch, int x0, int y0, int width, int height, int rows,
              int columns, int chunk, float *planes, float *tensor, int tensor_rows,
              int tensor_columns, int tensor_x, int tensor_y, const Conversion *conversion) {
    __shared__ float line[2 * CROP_LINE];
    crop_yuyv(line, pixels, pitch, x0, y0, width, height, rows, columns, chunk, planes, tensor,
              tensor_rows, tensor_columns, tensor_x, tensor_y, conversion);
}

extern "C" __global__ void __launch_bounds__(CROP_THREADS)
crop_yuyv_f16(const u8 *pixels, int pitch, int x0, int y0, int width, int height, int rows,
              int columns, int chunk, float *planes, __half *tensor, int tensor_rows,
              int tensor_columns, int tensor_x, int tensor_y, const Conversion *conversion) {
    __shared__ float line[2 * CROP_LINE];
    crop_yuyv(line, pixels, pitch, x0, y0, width, height, rows, columns, chunk, planes, tensor,
              tensor_rows, tensor_columns, tensor_x, tensor_y, conversion);
}

extern "C" __global__ void __launch_bounds__(CROP_THREADS)
crop_bgrx_f32(const u8 *pixels, int pitch, int x0, int y0, int width, int height, int rows,
              int columns, int chunk, const float *to_yuv, float *planes, float *tensor,
              int tensor_rows, int tensor_columns, int tensor_x, int tensor_y,
              const Conversion *conversion) {
    __shared__ float line[4 * CROP_LINE];
    crop_bgrx(line, pixels, pitch, x0, y0, width, height, rows, columns, chunk, to_yuv, planes,
              tensor, tensor_rows, tensor_columns, tensor_x, tensor_y, conversion);
}

extern "C" __global__ void __launch_bounds__(CROP_THREADS)
crop_bgrx_f16(const u8 *pixels, int pitch, int x0, int y0, int width, int height, int rows,
              int columns, int chunk, const float *to_yuv, float *planes, __half *tensor,
              int tensor_rows, int tensor_columns, int tensor_x, int tensor_y,
              const Conversion *conversion) {
    __shared__ float line[4 * CROP_LINE];
    crop_bgrx(line, pixels, pitch, x0, y0, width, height, rows, columns, chunk, to_yuv, planes,
              tensor, tensor_rows, tensor_columns, tensor_x, tensor_y, conversion);
}

// The tensor all black, (0 - mean) * scale: the bars beside a part of another shape. Run only when
// the part's place in the tensor changes. Must move: the tensor, written once.
template <class T>
__device__ __forceinline__ void fill(T *tensor, int tensor_rows, int tensor_columns,
                                     const Conversion *conversion) {
    long long plane = (long long)tensor_rows * tensor_columns;
    long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= plane) return;
    for (int c = 0; c < 3; ++c)
        put(tensor, c * plane + at, (0.0f - conversion->mean[c]) * conversion->scale[c]);
}

extern "C" __global__ void fill_black_f32(float *tensor, int tensor_rows, int tensor_columns,
                                          const Conversion *conversion) {
    fill(tensor, tensor_rows, tensor_columns, conversion);
}

extern "C" __global__ void fill_black_f16(__half *tensor, int tensor_rows, int tensor_columns,
                                          const Conversion *conversion) {
    fill(tensor, tensor_rows, tensor_columns, conversion);
}
