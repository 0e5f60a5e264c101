// Paste: a feathered patch into a picture, in place. Twins: paste (1 to 4 interleaved channels),
// paste_nv12 (paste on the luma plane, then paste_chroma). A mask, one byte a pixel of the patch (a
// luma pixel in paste_chroma), is multiplied by the feather; its address is 0 where there is none.
#pragma once

// The mask at a pixel of the patch, 0..1.
__device__ __forceinline__ float masked(const u8 *mask, int pitch, int x, int y) {
    return mask ? (float)__ldg(mask + (long long)y * pitch + x) * (1 / 255.0f) : 1.0f;
}

// One thread makes 4 bytes of one row, at a 4-byte aligned address of the picture where its pitch
// allows. left..right, top..bottom: the part of the patch, in its pixels, that lies in the picture.
// Must move: picture in and out and patch in, 3 bytes for each byte of that part: 4.19 MB for
// 698x667 pixels of three channels.
extern "C" __global__ void __launch_bounds__(128)
paste(u8 *picture, int picture_pitch, const u8 *patch, int patch_pitch, int x, int y, int width,
      int height, int channels, int left, int top, int right, int bottom, float ramp,
      const u8 *mask, int mask_pitch) {
    int j = top + blockIdx.y * blockDim.y + threadIdx.y;
    if (j >= bottom) return;
    // Bytes of the row, counted from where the patch's own row would begin.
    u8 *row = picture + (long long)(y + j) * picture_pitch + (long long)x * channels;
    const u8 *over = patch + (long long)j * patch_pitch;
    int from = left * channels, to = right * channels;
    // The first word may begin before the part: words lie at aligned addresses.
    int slack = (int)((u64)(row + from) & 3);
    int at = from - slack + 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (at >= to) return;
    float slope = slope_of(ramp), fy = feathered(j, height, slope, true, true);
    u32 word = 0;
    bool whole = at >= from && at + 4 <= to;
    if (whole) word = *(const u32 *)(row + at);
    u32 result = 0;
    // A word that begins before the part is worked on only from the part's first byte on.
    int pixel = max(at, from) / channels, channel = max(at, from) - pixel * channels;
    float weight =
        feathered(pixel, width, slope, true, true) * fy * masked(mask, mask_pitch, pixel, j);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        int b = at + i;
        if (b < from || b >= to) continue;
        float under = whole ? byte_of(word, i) : row[b];
        u8 mixed = to_byte(under + weight * ((float)__ldg(over + b) - under));
        if (whole)
            result |= (u32)mixed << (8 * i);
        else
            row[b] = mixed;
        if (++channel == channels) {
            channel = 0;
            // The word may end beyond the part, and the mask with it.
            if (++pixel >= right) break;
            weight =
                feathered(pixel, width, slope, true, true) * fy * masked(mask, mask_pitch, pixel, j);
        }
    }
    if (whole) *(u32 *)(row + at) = result;
}

// The chroma of a patch of width x height luma pixels at any luma offset (x, y), odd ones too.
// Weights are means over 2x2 luma pixels; an odd offset takes the patch's chroma half a sample
// further. One thread a chroma sample of the picture: from (left, top) of its plane.
// Must move: 6 bytes a chroma sample under the patch.
extern "C" __global__ void __launch_bounds__(128)
paste_chroma(u8 *picture, int picture_pitch, const u8 *patch, int patch_pitch, int x, int y,
             int width, int height, int left, int top, int right, int bottom, float ramp,
             const u8 *mask, int mask_pitch) {
    int i = left + blockIdx.x * blockDim.x + threadIdx.x;
    int j = top + blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= right || j >= bottom) return;
    int px = 2 * i - x, py = 2 * j - y;
    float wx = 0, wy = 0, slope = slope_of(ramp);
#pragma unroll
    for (int k = 0; k < 2; ++k) {
        if (px + k >= 0 && px + k < width) wx += feathered(px + k, width, slope, true, true);
        if (py + k >= 0 && py + k < height) wy += feathered(py + k, height, slope, true, true);
    }
    float weight = wx * wy * 0.25f;
    if (mask) {
        weight = 0;
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            int u = px + (k & 1), v = py + (k >> 1);
            if (u < 0 || u >= width || v < 0 || v >= height) continue;
            weight += feathered(u, width, slope, true, true) *
                      feathered(v, height, slope, true, true) * masked(mask, mask_pitch, u, v);
        }
        weight *= 0.25f;
    }
    int last_i = (width + 1) / 2 - 1, last_j = (height + 1) / 2 - 1;
    // Arithmetic shifts: halves of negative numbers are rounded down, as Python does.
    int i0 = clampi(px >> 1, 0, last_i), i1 = clampi((px + 1) >> 1, 0, last_i);
    int j0 = clampi(py >> 1, 0, last_j), j1 = clampi((py + 1) >> 1, 0, last_j);
    const u8 *upper = patch + (long long)j0 * patch_pitch;
    const u8 *lower = patch + (long long)j1 * patch_pitch;
    u8 *to = picture + (long long)j * picture_pitch + 2 * i;
#pragma unroll
    for (int c = 0; c < 2; ++c) {
        float over = ((float)__ldg(upper + 2 * i0 + c) + (float)__ldg(upper + 2 * i1 + c) +
                      (float)__ldg(lower + 2 * i0 + c) + (float)__ldg(lower + 2 * i1 + c)) *
                     0.25f;
        float under = to[c];
        to[c] = to_byte(under + weight * (over - under));
    }
}
