// Join: the person's alpha and the things', as one. Twin: join_things.
#pragma once

// alpha becomes p + (1 - p) * t * (1 - h), p = alpha * person, h = clip(2 * (clip(raw, 0, 1) - p), 0, 1):
// whoever is there and not shown is not let in by a thing around them. In place.
template <class T>
__device__ __forceinline__ void join_with(float *alpha, const T *raw, int stride,
                                          const float *things, float person, int rows,
                                          int columns) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= columns || y >= rows) return;
    long long at = (long long)y * columns + x;
    float shown_there = alpha[at] * person;
    float seen = clampf(get(raw, (long long)y * stride + x), 0.0f, 1.0f);
    float hidden = clampf(2.0f * (seen - shown_there), 0.0f, 1.0f);
    alpha[at] = shown_there + (1.0f - shown_there) * __ldg(things + at) * (1.0f - hidden);
}

// Must move: 12 (fp16: 10) bytes a grid pixel in, 4 out.
extern "C" __global__ void join_things_f32(float *alpha, const float *raw, int stride,
                                           const float *things, float person, int rows,
                                           int columns) {
    join_with(alpha, raw, stride, things, person, rows, columns);
}

extern "C" __global__ void join_things_f16(float *alpha, const __half *raw, int stride,
                                           const float *things, float person, int rows,
                                           int columns) {
    join_with(alpha, raw, stride, things, person, rows, columns);
}
