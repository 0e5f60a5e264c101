// What all kernels share: bytes in and out, borders, bilinear positions, and the verdict.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

constexpr int MOST = 16;  // components listed and people known; cpu/taking_part.py has the same

struct Found {
    int left, top, right, bottom;  // around a component, grid pixels; right and bottom exclusive
    int area;                      // pixels
    int touching;                  // pixels on the grid's left or right border, the more of both
};

// What a frame's matte came to. It stays on the device: the composite looks here whether there is
// anything to show, and the next frame whether there is a past to lean on. The host reads a copy,
// one frame late. planes.py has the same layout (VERDICT).
struct Verdict {
    int left, top, right, bottom;  // around the kept components, grid pixels; 0, 0, 0, 0 for none
    int count;                     // components kept
    int refused;                   // 0; 1: shows too much, undecided or torn; see cover.py
    int not_finite;                // values that are NaN or infinity
    int shows, undecided;          // pixels: see cover.py
    float outline;                 // the sum of differences between neighbours
    int peak;                      // largest steadied alpha, as the bits of a float of 0 or more
    int listed;                    // the largest components, largest first, where who takes part
    Found found[MOST];             // is to be told; else 0
};

// Nobody there, or a matte that cannot be trusted: the background alone is shown.
__device__ __forceinline__ bool shown(const Verdict *verdict) {
    if (verdict == nullptr) return true;
    if (verdict->refused) return false;
    return verdict->count > 0 || __int_as_float(verdict->peak) >= 1.0f / 255.0f;
}

__device__ __forceinline__ float clampf(float v, float low, float high) {
    return fminf(fmaxf(v, low), high);
}

// 2^23: a float of this size has whole numbers for steps, and shows them in its lowest bits. Adding it
// converts without the unit for conversions, which is eight times slower than the adders.
constexpr float WHOLE = 8388608.0f;

__device__ __forceinline__ u32 byte_bits(float v) {  // v is in 0..255 already; in the lowest byte
    return __float_as_uint(__fadd_rz(v + 0.5f, WHOLE));
}

__device__ __forceinline__ u8 to_byte(float v) { return (u8)byte_bits(v); }

// One of a word's four bytes.
__device__ __forceinline__ float float_of_byte(u32 word, int i) {
    return __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7440u | (u32)i)) - WHOLE;
}

// Four bytes, each the lowest of a word.
__device__ __forceinline__ u32 packed(u32 a, u32 b, u32 c, u32 d) {
    return __byte_perm(__byte_perm(a, b, 0x0040u), __byte_perm(c, d, 0x0040u), 0x5410u);
}

__device__ __forceinline__ u8 to_byte_clamped(float v) {
    return to_byte(clampf(v, 0.0f, 255.0f));
}

// OpenCV's BORDER_REFLECT_101: ... 2 1 | 0 1 2 ... n-1 | n-2 ...; the default border of cv2.blur.
__device__ __forceinline__ int reflect(int p, int n) {
    int once = abs(p);
    once = once < n ? once : 2 * n - 2 - once;
    if (once >= 0) return once;  // no further outside than the plane is long
    if (n == 1) return 0;
    while (p < 0 || p >= n) p = p < 0 ? -p : 2 * n - 2 - p;
    return p;
}

__device__ __forceinline__ int clampi(int p, int low, int high) {
    return min(max(p, low), high);
}

// The two grid cells around a position (pixel centres at half), and the second one's share.
__device__ __forceinline__ void between(float centre, float cells_per_pixel, int cells, int &first,
                                        float &share) {
    float p = clampf(centre * cells_per_pixel - 0.5f, 0.0f, (float)(cells - 1));
    float whole = __fadd_rz(p, WHOLE);
    int most = max(cells - 2, 0);
    first = min(__float_as_int(whole) & 0x7fffff, most);
    share = p - fminf(whole - WHOLE, (float)most);
}

__device__ __forceinline__ bool aligned(const void *p, u64 bytes) {
    return ((u64)p & (bytes - 1)) == 0;
}

__device__ __forceinline__ u8 byte_of(u32 word, int i) {
    return (u8)(word >> (8 * i));
}

__device__ __forceinline__ u32 word_of(const u8 *b) {
    return (u32)b[0] | (u32)b[1] << 8 | (u32)b[2] << 16 | (u32)b[3] << 24;
}

// N bytes (a multiple of 16) from p, of which only the first n are there.
template <int N> __device__ __forceinline__ void load_bytes(const u8 *p, int n, u8 (&out)[N]) {
    if (n >= N && aligned(p, 16)) {
#pragma unroll
        for (int k = 0; k < N / 16; ++k) {
            uint4 w = __ldg((const uint4 *)p + k);
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                out[16 * k + i] = byte_of(w.x, i);
                out[16 * k + 4 + i] = byte_of(w.y, i);
                out[16 * k + 8 + i] = byte_of(w.z, i);
                out[16 * k + 12 + i] = byte_of(w.w, i);
            }
        }
    } else if (n >= N && aligned(p, 4)) {
#pragma unroll
        for (int k = 0; k < N / 4; ++k) {
            u32 w = __ldg((const u32 *)p + k);
#pragma unroll
            for (int i = 0; i < 4; ++i) out[4 * k + i] = byte_of(w, i);
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; ++i) out[i] = i < n ? __ldg(p + i) : (u8)0;
    }
}

template <int N> __device__ __forceinline__ void store_bytes(u8 *p, int n, const u8 (&in)[N]) {
    if (n >= N && aligned(p, 16)) {
#pragma unroll
        for (int k = 0; k < N / 16; ++k) {
            uint4 w;
            w.x = word_of(in + 16 * k);
            w.y = word_of(in + 16 * k + 4);
            w.z = word_of(in + 16 * k + 8);
            w.w = word_of(in + 16 * k + 12);
            *((uint4 *)p + k) = w;
        }
    } else if (n >= N && aligned(p, 4)) {
#pragma unroll
        for (int k = 0; k < N / 4; ++k) *((u32 *)p + k) = word_of(in + 4 * k);
    } else {
#pragma unroll
        for (int i = 0; i < N; ++i)
            if (i < n) p[i] = in[i];
    }
}

// Four words from p, of which only the first n bytes are there; the rest is 0.
__device__ __forceinline__ void load_words(const u8 *p, int n, u32 (&out)[4]) {
    if (n >= 16 && aligned(p, 16)) {
        uint4 w = __ldg((const uint4 *)p);
        out[0] = w.x;
        out[1] = w.y;
        out[2] = w.z;
        out[3] = w.w;
    } else if (n >= 16 && aligned(p, 4)) {
#pragma unroll
        for (int k = 0; k < 4; ++k) out[k] = __ldg((const u32 *)p + k);
    } else {
#pragma unroll
        for (int k = 0; k < 4; ++k) out[k] = 0;
#pragma unroll
        for (int i = 0; i < 16; ++i)
            if (i < n) out[i >> 2] |= (u32)__ldg(p + i) << (8 * (i & 3));
    }
}

__device__ __forceinline__ void store_words(u8 *p, int n, const u32 (&in)[4]) {
    if (n >= 16 && aligned(p, 16)) {
        uint4 w;
        w.x = in[0];
        w.y = in[1];
        w.z = in[2];
        w.w = in[3];
        *(uint4 *)p = w;
    } else if (n >= 16 && aligned(p, 4)) {
#pragma unroll
        for (int k = 0; k < 4; ++k) ((u32 *)p)[k] = in[k];
    } else {
#pragma unroll
        for (int i = 0; i < 16; ++i)
            if (i < n) p[i] = byte_of(in[i >> 2], i & 3);
    }
}
