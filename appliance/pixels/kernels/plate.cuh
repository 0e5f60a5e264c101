// Plate: the empty room, learnt where nobody is, and weighed against the matte. Twins: plate.py,
// plate_light.py, plate_matte.py, plate_detail.py of pixels/cpu, whose constants these are.
//
// What the host decides for a frame lies in device memory, so that a recorded graph need not change:
// 3 x 9 x 16 offsets of the light, then its gain, whether the plate is used, the first row compared.
#pragma once

constexpr int LIGHT_ROWS = 9, LIGHT_COLUMNS = 16, LIGHT_CELLS = LIGHT_ROWS * LIGHT_COLUMNS;
constexpr int LIGHT_GAIN = 3 * LIGHT_CELLS, LIGHT_USED = LIGHT_GAIN + 1, LIGHT_START = LIGHT_GAIN + 2;
constexpr int PLATE_KNOWN = 6;

// light_at: a coarse map at a place of the frame, 0..1 from its edges; borders go on.
__device__ __forceinline__ float light_at(const float *light, int plane, float y, float x) {
    float v = clampf(y * LIGHT_ROWS - 0.5f, 0.0f, LIGHT_ROWS - 1.0f);
    float u = clampf(x * LIGHT_COLUMNS - 0.5f, 0.0f, LIGHT_COLUMNS - 1.0f);
    int j = min((int)v, LIGHT_ROWS - 2), i = min((int)u, LIGHT_COLUMNS - 2);
    float t = v - (float)j, s = u - (float)i;
    const float *p = light + plane * LIGHT_CELLS + j * LIGHT_COLUMNS + i;
    float upper = p[0] + s * (p[1] - p[0]);
    float lower = p[LIGHT_COLUMNS] + s * (p[LIGHT_COLUMNS + 1] - p[LIGHT_COLUMNS]);
    return upper + t * (lower - upper);
}

// Along rows: bit 0 where somebody may be within the margin, bit 1 where they are in view for certain.
template <class T>
__device__ __forceinline__ void taken_along(const T *raw, int stride, const float *alpha, int rows,
                                            int columns, int margin, u8 *out) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= columns || y >= rows) return;
    long long from = (long long)y * stride, row = (long long)y * columns;
    bool some = false;
    for (int c = max(x - margin, 0); c <= min(x + margin, columns - 1) && !some; ++c) {
        float value = get(raw, from + c);
        if (alpha) value = fmaxf(value, alpha[row + c]);
        // Not a number is somebody, too.
        some = !(value <= 0.03f);
    }
    out[row + x] = (u8)(some | (get(raw, from + x) > 0.8f) << 1);
}

// Must move: 8 bytes a grid pixel in (fp16: 6), 1 out.
extern "C" __global__ void plate_taken_f32(const float *raw, int stride, const float *alpha, int rows,
                                           int columns, int margin, u8 *out) {
    taken_along(raw, stride, alpha, rows, columns, margin, out);
}

extern "C" __global__ void plate_taken_f16(const __half *raw, int stride, const float *alpha,
                                           int rows, int columns, int margin, u8 *out) {
    taken_along(raw, stride, alpha, rows, columns, margin, out);
}

// Down the columns; also what was not looked at, outside of up to three parts, and all of a matte
// that is refused. Must move: 1 byte a grid pixel in, 1 out.
extern "C" __global__ void
plate_taken_down(const u8 *along, int rows, int columns, int margin, const Verdict *verdict,
                 int parts, int left_0, int top_0, int right_0, int bottom_0, int left_1, int top_1,
                 int right_1, int bottom_1, int left_2, int top_2, int right_2, int bottom_2,
                 u8 *out) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= columns || y >= rows) return;
    long long at = (long long)y * columns + x;
    int value = along[at];
    for (int r = max(y - margin, 0); r <= min(y + margin, rows - 1); ++r)
        value |= along[(long long)r * columns + x] & 1;
    bool looked = parts == 0;
    if (parts > 0) looked = x >= left_0 && x < right_0 && y >= top_0 && y < bottom_0;
    if (parts > 1) looked |= x >= left_1 && x < right_1 && y >= top_1 && y < bottom_1;
    if (parts > 2) looked |= x >= left_2 && x < right_2 && y >= top_2 && y < bottom_2;
    if (!looked || (verdict && verdict->refused)) value |= 1;
    out[at] = (u8)value;
}

// free_cells of one turn's rows; `clear`: 0 for those whose middle is outside, else they are left.
// Must move: of the turn's cells 1 byte out, and the grid pixels under them once.
extern "C" __global__ void plate_free(const u8 *taken, int rows, int columns, int x0, int y0,
                                      int width, int height, int cell, int cell_rows,
                                      int cell_columns, int turn, int turns, int clear, u8 *out) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    int r = turn + turns * (blockIdx.y * blockDim.y + threadIdx.y);
    if (c >= cell_columns || r >= cell_rows) return;
    long long at = (long long)r * cell_columns + c;
    int top = r * cell - y0, bottom = top + cell, left = c * cell - x0, right = left + cell;
    if (top + bottom < 0 || top + bottom >= 2 * height || left + right < 0 ||
        left + right >= 2 * width) {
        if (clear) out[at] = 0;
        return;
    }
    double up = (double)rows / height, across_ = (double)columns / width;
    int first = max((int)(top * up), 0), last = min((int)((bottom - 0.01) * up), rows - 1);
    int start = max((int)(left * across_), 0);
    int end = min((int)((right - 0.01) * across_), columns - 1);
    int some = 0;
    for (int j = first; j <= last; ++j)
        for (int i = start; i <= end; ++i) some |= taken[(long long)j * columns + i] & 1;
    out[at] = (u8)!some;
}

// learn: a thread for each cell of one turn's rows. `seen` counts known cells that were looked at,
// those of them that have changed, and all that are known. Must move, where it is free: 1.5 bytes a
// pixel in, 3 in and 4.5 out of the plate.
extern "C" __global__ void
plate_learn(const u8 *y, int y_pitch, const u8 *uv, int uv_pitch, u8 *plate_y, int plate_y_pitch,
            u8 *plate_uv, int plate_uv_pitch, unsigned short *mean_y, unsigned short *mean_uv,
            u8 *times, float *spread, u8 *odd, const u8 *is_free, const float *light, int width,
            int height, int cell, int rows, int columns, int turn, int turns, int patience,
            int *seen) {
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    int row = turn + turns * (blockIdx.y * blockDim.y + threadIdx.y);
    if (c >= columns || row >= rows) return;
    long long at = (long long)row * columns + c;
    int n = times[at];
    if (is_free && !is_free[at]) {
        if (n >= PLATE_KNOWN) atomicAdd(seen + 2, 1);
        return;
    }
    int first = row * cell, last = min(first + cell, height);
    int left = c * cell, right = min(left + cell, width);
    float per_gain = 1.0f / light[LIGHT_GAIN], shift[3];
    float v = (float)((first + last) * 0.5 / height), u = (float)((c + 0.5) * cell / width);
    for (int k = 0; k < 3; ++k) shift[k] = 128.0f + light_at(light, k, v, u);
    float total = 0;
    for (int line = first; line < last; ++line)
        for (int x = left; x < right; ++x) {
            float now = ((float)y[(long long)line * y_pitch + x] - shift[0]) * per_gain + 128.0f;
            total += fabsf(now - mean_y[(long long)line * width + x] * (1.0f / 256));
        }
    for (int pair = first / 2; pair < last / 2; ++pair)
        for (int x = left; x < right; ++x) {
            float now = (float)uv[(long long)pair * uv_pitch + x] - shift[1 + (x & 1)];
            now = now * per_gain + 128.0f;
            total += fabsf(now - mean_uv[(long long)pair * width + x] * (1.0f / 256));
        }
    float differs = total / (float)((right - left) * (last - first)), noise = spread[at];
    float speed = 0, most = 0;
    if (n >= PLATE_KNOWN) atomicAdd(seen, 1);
    int now = n;
    if (n == 0) {
        speed = 1.0f, most = 255.0f;
        now = 1, odd[at] = 0, spread[at] = 2.0f;
    } else if (differs > 9.0f + 3.0f * noise) {
        if (n < PLATE_KNOWN) {
            now = 0;
        } else {
            atomicAdd(seen + 1, 1);
            odd[at] = (u8)(odd[at] + 1);
            if (odd[at] >= patience) now = 0, odd[at] = 0;
        }
    } else {
        odd[at] = (u8)(max((int)odd[at], 1) - 1);
        speed = fmaxf(1.0f / (n + 1), 1.0f / 16);
        now = min(n, 254) + 1;
        noise += speed * (differs - noise);
        spread[at] = noise;
        most = 4.0f + 3.0f * noise;
    }
    times[at] = (u8)now;
    if (now >= PLATE_KNOWN) atomicAdd(seen + 2, 1);
    if (speed <= 0) return;
    for (int line = first; line < last; ++line)
        for (int x = left; x < right; ++x) {
            unsigned short *mean = mean_y + (long long)line * width + x;
            float here = ((float)y[(long long)line * y_pitch + x] - shift[0]) * per_gain + 128.0f;
            float before = *mean * (1.0f / 256);
            float to = before + speed * clampf(here - before, -most, most);
            to = clampf(to, 0.0f, 255.0f);
            *mean = (unsigned short)(int)(to * 256.0f + 0.5f);
            plate_y[(long long)line * plate_y_pitch + x] = to_byte(to);
        }
    for (int pair = first / 2; pair < last / 2; ++pair)
        for (int x = left; x < right; ++x) {
            unsigned short *mean = mean_uv + (long long)pair * width + x;
            float here = (float)uv[(long long)pair * uv_pitch + x] - shift[1 + (x & 1)];
            here = here * per_gain + 128.0f;
            float before = *mean * (1.0f / 256);
            float to = before + speed * clampf(here - before, -most, most);
            to = clampf(to, 0.0f, 255.0f);
            *mean = (unsigned short)(int)(to * 256.0f + 0.5f);
            plate_uv[(long long)pair * plate_uv_pitch + x] = to_byte(to);
        }
}

// plate_noise and expected_planes: the plate on the grid, in place, in the light as it is now.
// Must move: 12 bytes a grid pixel in and 16 out, and the cells under it.
extern "C" __global__ void
plate_expected(float *planes, float *noise, const u8 *times, const float *spread, int cell,
               int cell_columns, int x0, int y0, int width, int height, int frame_width,
               int frame_height, int rows, int columns, const float *light) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= columns || j >= rows) return;
    int top = (int)((y0 + (double)j * height / rows) / cell);
    int bottom = (int)((y0 + (double)(j + 1) * height / rows - 1e-6) / cell);
    int left = (int)((x0 + (double)i * width / columns) / cell);
    int right = (int)((x0 + (double)(i + 1) * width / columns - 1e-6) / cell);
    float most = 0;
    bool known = true;
    for (int r = top; r <= bottom; ++r)
        for (int c = left; c <= right; ++c) {
            long long at = (long long)r * cell_columns + c;
            known = known && times[at] >= PLATE_KNOWN;
            most = fmaxf(most, spread[at]);
        }
    long long at = (long long)j * columns + i, plane = (long long)rows * columns;
    noise[at] = known ? most : -1.0f;
    float y = (y0 + (j + 0.5f) * height / rows) / frame_height;
    float x = (x0 + (i + 0.5f) * width / columns) / frame_width;
    for (int c = 0; c < 3; ++c) {
        float level = light[LIGHT_GAIN] * (planes[c * plane + at] - 128.0f);
        planes[c * plane + at] = level + 128.0f + light_at(light, c, y, x);
    }
}

constexpr int COMPARED = 17;  // sums of each block; plate_light.py has the same order

// Picture and plate compared, a block for each cell of the light's map; out: float32 (144, 17).
// Must move: 28 bytes a grid pixel of every second row in.
extern "C" __global__ void
plate_compare(const float *live, const float *expected, const float *noise, const u8 *taken,
              int rows, int columns, int x0, int y0, int width, int height, int frame_width,
              int frame_height, const float *light, float *out) {
    __shared__ float part[COMPARED * 128];
    int block_row = blockIdx.x / LIGHT_COLUMNS, block_column = blockIdx.x % LIGHT_COLUMNS;
    float per_y = (float)rows / height, per_x = (float)columns / width;
    float cell_y = (float)frame_height / LIGHT_ROWS, cell_x = (float)frame_width / LIGHT_COLUMNS;
    // All that may belong to it and a little more: what does is told pixel by pixel.
    int top = max((int)((block_row * cell_y - y0) * per_y) - 2, 1);
    int bottom = min((int)(((block_row + 1) * cell_y - y0) * per_y) + 2, rows - 1);
    int left = max((int)((block_column * cell_x - x0) * per_x) - 2, 1);
    int right = min((int)(((block_column + 1) * cell_x - x0) * per_x) + 2, columns - 1);
    int start = 1 + (int)light[LIGHT_START];
    if ((top ^ start) & 1) ++top;
    float sums[COMPARED];
    for (int k = 0; k < COMPARED; ++k) sums[k] = 0;
    long long plane = (long long)rows * columns;
    int wide = max(right - left, 0), lines = bottom > top ? (bottom - top + 1) / 2 : 0;
    for (int k = threadIdx.x; k < wide * lines; k += blockDim.x) {
        int j = top + 2 * (k / wide), i = left + k % wide;
        float at_y = (y0 + (j + 0.5f) * height / rows) / frame_height * LIGHT_ROWS;
        float at_x = (x0 + (i + 0.5f) * width / columns) / frame_width * LIGHT_COLUMNS;
        if ((int)at_y != block_row || (int)at_x != block_column) continue;
        long long at = (long long)j * columns + i;
        sums[15] += 1;
        sums[16] += (float)(taken[at] >> 1);
        if (taken[at] & 1 || noise[at] < 0) continue;
        const float *e = expected + at;
        float r = live[at] - e[0], cb = live[plane + at] - e[plane];
        float cr = live[2 * plane + at] - e[2 * plane];
        float clipped = clampf(r, -8.0f, 8.0f), level = e[0] - 128.0f;
        float limit = 12.0f + 2.0f * noise[at];
        bool away = fabsf(r) + fabsf(cb) + fabsf(cr) > limit;
        sums[0] += 1;
        sums[1] += clipped;
        sums[2] += clampf(cb, -8.0f, 8.0f);
        sums[3] += clampf(cr, -8.0f, 8.0f);
        sums[4] += level;
        sums[5] += away;
        sums[6] += level * level;
        sums[7] += level * clipped;
        float gx = (e[1] - e[-1]) * 0.5f, gy = (e[columns] - e[-columns]) * 0.5f;
        if (fabsf(gx) + fabsf(gy) > 4.0f) {
            sums[8] += 1;
            sums[9] += away;
            r = clampf(r, -40.0f, 40.0f);
            sums[10] += gx * gx;
            sums[11] += gx * gy;
            sums[12] += gy * gy;
            sums[13] += gx * r;
            sums[14] += gy * r;
        }
    }
    for (int k = 0; k < COMPARED; ++k) part[k * 128 + threadIdx.x] = sums[k];
    __syncthreads();
    if (threadIdx.x < COMPARED) {
        float sum = 0;
        for (int k = 0; k < (int)blockDim.x; ++k) sum += part[threadIdx.x * 128 + k];
        out[blockIdx.x * COMPARED + threadIdx.x] = sum;
    }
}

__device__ __forceinline__ float between_01(float value, float low, float high) {
    return clampf((value - low) / (high - low), 0.0f, 1.0f);
}

__device__ __forceinline__ float colours_apart(float dy, float du, float dv) {
    return sqrtf(dy * dy + 4.0f * (du * du + dv * dv));
}

// What person_colours takes the means of; out: 6 planes. Must move: 32 bytes a grid pixel in, 24 out.
extern "C" __global__ void plate_weigh(const float *live, const float *alpha, const float *expected,
                                       const float *noise, int rows, int columns,
                                       const float *light, float *out) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= columns || y >= rows || light[LIGHT_USED] == 0) return;
    long long at = (long long)y * columns + x, plane = (long long)rows * columns;
    float a = alpha[at], weight = a * a, like = 0;
    weight *= weight;
    float luma = live[at], cb = live[plane + at], cr = live[2 * plane + at];
    if (weight > 1e-4f && noise[at] >= 0) {
        float floor = 5.0f + noise[at];
        float away = colours_apart(luma - expected[at], cb - expected[plane + at],
                                   cr - expected[2 * plane + at]);
        float same = 1.0f - between_01(away, floor, 2.0f * floor);
        weight *= 1.0f - same;
        like = same * between_01(a, 0.95f, 0.998f);
    }
    out[at] = weight;
    out[plane + at] = weight * luma;
    out[2 * plane + at] = weight * cb;
    out[3 * plane + at] = weight * cr;
    out[4 * plane + at] = weight * (luma * luma + 4.0f * (cb * cb + cr * cr));
    out[5 * plane + at] = like;
}

// Sums along rows; 6 planes each. Must move: 24 bytes a grid pixel in, 24 out.
extern "C" __global__ void plate_rows(const float *planes, int rows, int columns, int radius,
                                      const float *light, float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y) || light[LIGHT_USED] == 0) return;
    long long plane = (long long)rows * columns, row = (long long)y * columns;
    float sums[6] = {0, 0, 0, 0, 0, 0};
    for (int d = -radius; d <= radius; ++d) {
        long long at = row + reflect(x + d, columns);
#pragma unroll
        for (int k = 0; k < 6; ++k) sums[k] += __ldg(planes + k * plane + at);
    }
    for (int k = 0; k < 6; ++k) out[k * plane + row + x] = sums[k];
}

// Down the columns, then person_colours; out: 5 planes. Must move: 24 bytes a grid pixel in, 20 out.
extern "C" __global__ void plate_person(const float *sums, int rows, int columns, int radius,
                                        const float *light, float *out) {
    int x, y;
    if (!pixel(rows, columns, x, y) || light[LIGHT_USED] == 0) return;
    long long plane = (long long)rows * columns, at = (long long)y * columns + x;
    float m[6] = {0, 0, 0, 0, 0, 0};
    for (int d = -radius; d <= radius; ++d) {
        long long from = (long long)reflect(y + d, rows) * columns + x;
#pragma unroll
        for (int k = 0; k < 6; ++k) m[k] += __ldg(sums + k * plane + from);
    }
    float side = 2 * radius + 1, norm = 1.0f / (side * side);
    for (int k = 0; k < 6; ++k) m[k] *= norm;
    float per = 1.0f / fmaxf(m[0], 1e-4f);
    float luma = m[1] * per, cb = m[2] * per, cr = m[3] * per;
    out[at] = luma;
    out[plane + at] = cb;
    out[2 * plane + at] = cr;
    float spare = m[4] * per - luma * luma - 4.0f * (cb * cb + cr * cr);
    out[3 * plane + at] = m[0] > 0.02f ? sqrtf(fmaxf(spare, 0.0f)) : -1.0f;
    out[4 * plane + at] = between_01(m[5], 0.02f, 0.15f);
}

// fused: a pixel's alpha, network's and plate's evidence together. p: the picture, b: the plate, f:
// the person.
__device__ __forceinline__ float fused(float alpha, const float (&p)[3], const float (&b)[3],
                                       const float (&f)[3], float varies, float doubt, float noise) {
    float floor = 5.0f + noise;
    float lowers = (1.0f - doubt) * (1.0f - between_01(alpha, 0.95f, 0.998f));
    float dy = p[0] - b[0], du = p[1] - b[1], dv = p[2] - b[2];
    if (varies < 0) {
        float same = 1.0f - between_01(colours_apart(dy, du, dv), floor, 1.5f * floor);
        return alpha - same * lowers * alpha;
    }
    float ly = f[0] - b[0], lu = f[1] - b[1], lv = f[2] - b[2];
    float length = colours_apart(ly, lu, lv);
    float trust = between_01(length / fmaxf(varies, 16.0f), 0.8f, 1.6f);
    if (trust <= 0) return alpha;
    float along = (dy * ly + 4.0f * (du * lu + dv * lv)) / length;
    float place = clampf((along - floor) / fmaxf(length - 1.5f * floor, 8.0f), 0.0f, 1.0f);
    if (place < alpha) {
        trust *= lowers;
    } else {
        trust *= between_01(alpha, 0.04f, 0.25f);
        // The nearest darker plate: <I, B> / |B|^2, from black and no colour.
        float by = b[0] - 16.0f, bu = b[1] - 128.0f, bv = b[2] - 128.0f;
        float py = p[0] - 16.0f, pu = p[1] - 128.0f, pv = p[2] - 128.0f;
        float left = by * py + 4.0f * (bu * pu + bv * pv);
        left /= fmaxf(by * by + 4.0f * (bu * bu + bv * bv), 1.0f);
        if (left > 0.4f && left < 0.97f) {
            float ey = py - left * by, eu = pu - left * bu, ev = pv - left * bv;
            if (ey * ey + 4.0f * (eu * eu + ev * ev) < floor * floor) trust = 0;
        }
    }
    return alpha + trust * (place - alpha);
}

// weigh_in; alpha as it is where the plate is not used. Must move: 52 bytes a grid pixel in, 4 out.
extern "C" __global__ void plate_weigh_in(const float *alpha, const float *live,
                                          const float *expected, const float *noise,
                                          const float *person, int rows, int columns,
                                          const float *light, float *out) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= columns || y >= rows) return;
    long long at = (long long)y * columns + x, plane = (long long)rows * columns;
    float a = alpha[at];
    if (light[LIGHT_USED] != 0 && noise[at] >= 0 && a > 0.04f && a < 0.998f) {
        float p[3], b[3], f[3];
        for (int c = 0; c < 3; ++c) {
            p[c] = live[c * plane + at];
            b[c] = expected[c * plane + at];
            f[c] = person[c * plane + at];
        }
        a = fused(a, p, b, f, person[3 * plane + at], person[4 * plane + at], noise[at]);
    }
    out[at] = a;
}

__device__ __forceinline__ u8 explained(float live, float front, float behind, float a) {
    float off = live - a * front - (1.0f - a) * behind, far = front - behind;
    float noise = (9.0f + 0.0036f * far * far) / 400.0f;
    return to_byte_clamped(front + off * a / (a * a + noise));
}

// true_colour, within left, top, right, bottom. Must move there: 1 byte a pixel in; where alpha is
// soft 4.5 more in and 1.5 out.
extern "C" __global__ void
plate_true_colour(const u8 *y, int y_pitch, const u8 *uv, int uv_pitch, const u8 *plate_y,
                  int plate_y_pitch, const u8 *plate_uv, int plate_uv_pitch, const u8 *times,
                  int cell, int cell_columns, const float *light, u8 *front_y, int front_y_pitch,
                  u8 *front_uv, int front_uv_pitch, const u8 *alpha, int alpha_pitch, int width,
                  int height, int left, int top, int right, int bottom, int known) {
    int x = left + 2 * (blockIdx.x * blockDim.x + threadIdx.x);
    int line = top + 2 * (blockIdx.y * blockDim.y + threadIdx.y);
    if (x >= right || line >= bottom || light[LIGHT_USED] == 0) return;
    u8 weights[2][2];
    int all = 255, any = 0;
    for (int r = 0; r < 2; ++r)
        for (int i = 0; i < 2; ++i) {
            weights[r][i] = alpha[(long long)(line + r) * alpha_pitch + x + i];
            all &= weights[r][i];
            any |= weights[r][i];
        }
    if (all == 255 || any == 0) return;
    if (times[(long long)(line / cell) * cell_columns + x / cell] < known) return;
    float gain = light[LIGHT_GAIN], total = 0;
    float v = (float)line / height, u = (float)(x / 32 * 32 + 16) / width;
    float shift = 128.0f + light_at(light, 0, v, u);
    for (int r = 0; r < 2; ++r)
        for (int i = 0; i < 2; ++i) {
            float a = weights[r][i] * (1.0f / 255.0f);
            total += a;
            float room = plate_y[(long long)(line + r) * plate_y_pitch + x + i];
            u8 *front = front_y + (long long)(line + r) * front_y_pitch + x + i;
            *front = explained(y[(long long)(line + r) * y_pitch + x + i], *front,
                               gain * (room - 128.0f) + shift, a);
        }
    for (int c = 0; c < 2; ++c) {
        shift = 128.0f + light_at(light, 1 + c, v, u);
        float room = plate_uv[(long long)(line / 2) * plate_uv_pitch + x + c];
        u8 *front = front_uv + (long long)(line / 2) * front_uv_pitch + x + c;
        *front = explained(uv[(long long)(line / 2) * uv_pitch + x + c], *front,
                           gain * (room - 128.0f) + shift, 0.25f * total);
    }
}
