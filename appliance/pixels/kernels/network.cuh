// Between the path's layouts and a network's own: pixels next to pixels (NHWC) at its input, alpha
// out of raw outputs of any layout. Twin: activate. Networks that take and give planes, with alpha
// as it is, need neither.
#pragma once

// Three planes of `count` pixels as pixels of three channels. Must move: 12 bytes a pixel in, 12
// out.
extern "C" __global__ void interleave(const float *planes, int count, float *pixels) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
#pragma unroll
    for (int c = 0; c < 3; ++c) pixels[3 * i + c] = __ldg(planes + c * count + i);
}

// One channel of a raw output of `count` pixels: as it is (kind 0), through a sigmoid (1), or its
// part of a softmax over the channels (2). Neighbours are pixel_step, channels channel_step floats
// apart. A NaN stays one. Must move: 4 bytes a pixel and channel in (kinds 0, 1: of one), 4 out.
extern "C" __global__ void activate(const float *raw, int count, int channels, int channel,
                                    int pixel_step, int channel_step, int kind, float *alpha) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const float *here = raw + i * pixel_step;
    float value = __ldg(here + channel * channel_step);
    if (kind == 1) value = 1.0f / (1.0f + expf(-value));
    if (kind == 2) {
        float top = __ldg(here);
        for (int c = 1; c < channels; ++c) top = fmaxf(top, __ldg(here + c * channel_step));
        float sum = 0.0f;
        for (int c = 0; c < channels; ++c) sum += expf(__ldg(here + c * channel_step) - top);
        value = expf(value - top) / sum;
    }
    alpha[i] = value;
}
