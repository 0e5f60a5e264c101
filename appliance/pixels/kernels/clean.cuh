// Clean: alpha zero beyond `grow` pixels around what is kept, the growth's last two pixels fading.
// Twin: clean. Two launches: clean_reach, clean_fade.
#pragma once

constexpr int FADE_X = 32, FADE_Y = 8;
constexpr u8 FAR = 255;

// How far the nearest kept pixel of the same row is, up to `grow` (at most 254), else FAR.
// Must move: 1 byte a pixel in, 1 out.
extern "C" __global__ void clean_reach(const u8 *mask, int rows, int columns, int grow, u8 *reach) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= columns || y >= rows) return;
    const u8 *row = mask + (long long)y * columns;
    u8 found = FAR;
    for (int d = 0; d <= grow; ++d) {
        if ((x - d >= 0 && row[x - d]) || (x + d < columns && row[x + d])) {
            found = (u8)d;
            break;
        }
    }
    reach[(long long)y * columns + x] = found;
}

// widths[dy + grow]: half the width of the disc's row dy, -1 for an empty row (2 * grow + 1 of
// them): a pixel is grown where some row within `grow` has a kept pixel within that row's half
// width. In place. Must move: 4 + 2 bytes a pixel in, 4 out.
extern "C" __global__ void __launch_bounds__(FADE_X *FADE_Y)
clean_fade(float *alpha, const u8 *mask, const u8 *reach, const int *widths, int rows, int columns,
           int grow) {
    __shared__ u8 grown[FADE_Y + 2][FADE_X + 2];
    int x0 = blockIdx.x * FADE_X, y0 = blockIdx.y * FADE_Y;
    int t = threadIdx.y * FADE_X + threadIdx.x;
    for (int i = t; i < (FADE_X + 2) * (FADE_Y + 2); i += FADE_X * FADE_Y) {
        int column = i % (FADE_X + 2), line = i / (FADE_X + 2);
        // Tiles overhang by up to a tile: what lies there is never used, but must be a valid place.
        int x = reflect(x0 + column - 1, columns), y = reflect(y0 + line - 1, rows);
        u8 hit = 0;
        for (int d = -grow; d <= grow && !hit; ++d) {
            int r = y + d;
            if (r >= 0 && r < rows) {
                u8 far = reach[(long long)r * columns + x];
                hit = far != FAR && (int)far <= widths[d + grow];
            }
        }
        grown[line][column] = hit;
    }
    __syncthreads();
    int x = x0 + threadIdx.x, y = y0 + threadIdx.y;
    if (x >= columns || y >= rows) return;
    long long at = (long long)y * columns + x;
    int cx = threadIdx.x + 1, cy = threadIdx.y + 1;
    float weight = grown[cy][cx];
    if (grow >= 2) {
        int sum = 0;
        for (int j = -1; j <= 1; ++j)
            for (int i = -1; i <= 1; ++i) sum += grown[cy + j][cx + i];
        weight = fmaxf(weight * (float)sum * (1.0f / 9.0f), (float)mask[at]);
    }
    alpha[at] *= weight;
}
