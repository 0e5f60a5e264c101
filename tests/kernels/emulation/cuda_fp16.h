// Half precision for the host emulation: what the kernels use of <cuda_fp16.h>, rounded to nearest
// even as the device does.
#pragma once
#include <cstdint>
#include <cstring>

struct __half {
    uint16_t bits;
};

static inline float __half2float(__half h) {
    uint32_t sign = (uint32_t)(h.bits & 0x8000) << 16, exponent = h.bits >> 10 & 31,
             mantissa = h.bits & 0x3ff, out;
    if (exponent == 31) {
        out = sign | 0x7f800000 | mantissa << 13;
    } else if (exponent) {
        out = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        float tiny = (float)mantissa / 16777216.0f;
        std::memcpy(&out, &tiny, 4);
        out |= sign;
    }
    float value;
    std::memcpy(&value, &out, 4);
    return value;
}

static inline __half __float2half_rn(float value) {
    uint32_t in;
    std::memcpy(&in, &value, 4);
    uint32_t sign = in >> 16 & 0x8000, magnitude = in & 0x7fffffff;
    if (magnitude > 0x7f800000) return {(uint16_t)(sign | 0x7fff)};
    if (magnitude >= 0x47800000) return {(uint16_t)(sign | 0x7c00)};
    if (magnitude < 0x38800000) {  // below the least normal half: steps of 2^-24
        float scaled = value < 0 ? -value : value;
        scaled *= 16777216.0f;
        uint32_t whole = (uint32_t)scaled;
        float rest = scaled - (float)whole;
        if (rest > 0.5f || (rest == 0.5f && (whole & 1))) ++whole;
        return {(uint16_t)(sign | whole)};
    }
    uint32_t half = (magnitude - 0x38000000) >> 13, rest = magnitude & 0x1fff;
    if (rest > 0x1000 || (rest == 0x1000 && (half & 1))) ++half;
    return {(uint16_t)(sign | half)};
}
