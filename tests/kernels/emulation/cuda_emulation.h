// CUDA on the host: enough of it to run kernels.cu, compiled by g++, without a GPU.
//
// Blocks run one after the other. The threads of a block are fibres (ucontext) which give way at
// __syncthreads, so that a barrier is a barrier; a block whose first thread ends without one runs as
// a plain loop, which is many times faster. With a seed, blocks and threads run in a random order,
// all as fibres, and give way at atomics too: what depends on an order that CUDA does not promise
// then shows.
//
// Mistakes it tells: a barrier that some threads of a block do not reach; and, in builds without
// AddressSanitizer, shared memory that is read before it is written (it is filled with garbage
// before each block). AddressSanitizer and UBSan tell the rest: out of bounds, misaligned, overflow.
//
// One host thread only.
#pragma once
#include <cmath>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <tuple>
#include <ucontext.h>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define EMULATION_ASAN 1
#else
#define EMULATION_ASAN 0
#endif

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#if EMULATION_ASAN
#define __shared__ static
#else
#define __shared__ static __attribute__((section("cuda_shared")))
extern "C" char __start_cuda_shared[], __stop_cuda_shared[];
#endif

struct uint3 {
    unsigned x, y, z;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(8) float2 {
    float x, y;
};
static inline float2 make_float2(float x, float y) { return {x, y}; }
struct alignas(2) uchar2 {
    unsigned char x, y;
};
static inline uchar2 make_uchar2(unsigned char x, unsigned char y) { return {x, y}; }

static uint3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

// A thread's stack; AddressSanitizer's frames are far larger.
constexpr size_t STACK = EMULATION_ASAN ? 256 * 1024 : 48 * 1024;

// Without AddressSanitizer a fibre is made once and then waits for the next block's thread, and
// switches are _longjmp: swapcontext asks the kernel for the signal mask each time.
struct Fibre {
    ucontext_t context;
    jmp_buf place;
    std::vector<char> stack;
    uint3 index;
    bool entered = false, done = false;
    int barriers = 0;
};

struct State {
    std::deque<Fibre> fibres;  // they must stay where they are
    ucontext_t scheduler;
    jmp_buf scheduler_place;
    const void *scheduler_stack = nullptr;
    size_t scheduler_size = 0;
    int running = -1;  // -1: a plain loop
    std::function<void()> body;
    uint64_t seed = 0, random = 0;
    std::string error;
};
static State state;

static inline uint64_t next_random() {  // xorshift64*
    uint64_t x = state.random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    state.random = x;
    return x * 0x2545F4914F6CDD1DULL >> 16;
}

static inline void fail(const std::string &what) {
    if (state.error.empty()) state.error = what;
}

static inline void switch_in(Fibre &f) {
#if EMULATION_ASAN
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, f.stack.data(), f.stack.size());
    swapcontext(&state.scheduler, &f.context);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
    if (_setjmp(state.scheduler_place)) return;
    if (f.entered) _longjmp(f.place, 1);
    f.entered = true;
    setcontext(&f.context);
#endif
}

static inline void switch_out(Fibre &f, bool last) {
#if EMULATION_ASAN
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(last ? nullptr : &fake, state.scheduler_stack,
                                   state.scheduler_size);
    swapcontext(&f.context, &state.scheduler);
    __sanitizer_finish_switch_fiber(fake, &state.scheduler_stack, &state.scheduler_size);
#else
    (void)last;
    if (!_setjmp(f.place)) _longjmp(state.scheduler_place, 1);
#endif
    threadIdx = f.index;
}

static void fibre_main() {
    Fibre &f = state.fibres[state.running];
#if EMULATION_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &state.scheduler_stack, &state.scheduler_size);
#endif
    for (;;) {
        state.body();
        f.done = true;
        switch_out(f, true);
    }
}

static inline void start(Fibre &f, uint3 index) {
    if (f.stack.empty()) f.stack.resize(STACK);
    // One that was left in the middle, after a mistake, begins anew too.
    bool waits = !EMULATION_ASAN && f.entered && f.done;
    f.index = index;
    f.done = false;
    f.barriers = 0;
    if (waits) return;
    f.entered = false;
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.data();
    f.context.uc_stack.ss_size = f.stack.size();
    f.context.uc_link = nullptr;
    makecontext(&f.context, fibre_main, 0);
}

static inline void resume(int i) {
    state.running = i;
    threadIdx = state.fibres[i].index;
    switch_in(state.fibres[i]);
    state.running = -1;
}

static inline uint3 index_of(unsigned t) {
    return {t % blockDim.x, t / blockDim.x % blockDim.y, t / (blockDim.x * blockDim.y)};
}

static inline void shuffle(std::vector<int> &order) {
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[next_random() % i]);
}

// Runs threads [0, n) of the block whose fibre `first` has run already up to its first barrier
// (or -1), until all are done.
static void run_fibres(int n, bool first_is_under_way) {
    for (int t = first_is_under_way ? 1 : 0; t < n; ++t) start(state.fibres[t], index_of(t));
    std::vector<int> order(n);
    for (int t = 0; t < n; ++t) order[t] = t;
    int phase = 1;
    for (bool all_done = false; !all_done; ++phase) {
        if (state.seed) shuffle(order);
        // Up to the phase's barrier; a fibre that gave way at an atomic is not there yet.
        for (bool waiting = true; waiting;) {
            waiting = false;
            for (int t : order) {
                Fibre &f = state.fibres[t];
                if (f.done || f.barriers >= phase) continue;
                resume(t);
                if (!f.done && f.barriers < phase) waiting = true;
            }
        }
        int done = 0;
        for (int t = 0; t < n; ++t) done += state.fibres[t].done;
        all_done = done == n;
        if (!all_done && done > 0) {
            fail("a barrier that some threads of the block did not reach");
            return;  // the others' fibres are simply left
        }
    }
}

static void run_block(int n) {
#if !EMULATION_ASAN
    // Huge as an integer in one block, negative in the next: what forgets to set a start shows.
    std::memset(__start_cuda_shared, (blockIdx.x + blockIdx.y) & 1 ? 0xA5 : 0x5A,
                (size_t)(__stop_cuda_shared - __start_cuda_shared));
#endif
    if ((int)state.fibres.size() < n) state.fibres.resize(n);
    if (state.seed) return run_fibres(n, false);
    start(state.fibres[0], index_of(0));
    resume(0);
    if (!state.fibres[0].done) return run_fibres(n, true);
    for (int t = 1; t < n; ++t) {
        threadIdx = index_of(t);
        state.body();
    }
}

static void run_grid(uint3 grid, uint3 block, std::function<void()> body) {
    state.error.clear();
    state.body = std::move(body);
    gridDim = grid;
    blockDim = block;
    std::vector<int> order(grid.x * grid.y * grid.z);
    for (size_t i = 0; i < order.size(); ++i) order[i] = (int)i;
    state.random = state.seed * 0x9E3779B97F4A7C15ULL + 1;
    if (state.seed) shuffle(order);
    for (int i : order) {
        unsigned b = (unsigned)i;
        blockIdx = {b % grid.x, b / grid.x % grid.y, b / (grid.x * grid.y)};
        run_block((int)(block.x * block.y * block.z));
        if (!state.error.empty()) return;
    }
}

static inline void give_way() {
    if (state.seed && state.running >= 0 && (next_random() & 3) == 0)
        switch_out(state.fibres[state.running], false);
}

// How a kernel's arguments lie in the driver's buffer: each at a multiple of its own size.
template <class T> struct Code;
template <> struct Code<int> { static constexpr char value = 'i'; };
template <> struct Code<float> { static constexpr char value = 'f'; };
template <> struct Code<double> { static constexpr char value = 'd'; };
template <class T> struct Code<T *> { static constexpr char value = 'P'; };

template <class T> static T take(const char *buffer, size_t &at) {
    at = (at + alignof(T) - 1) / alignof(T) * alignof(T);
    T value;
    std::memcpy(&value, buffer + at, sizeof(T));
    at += sizeof(T);
    return value;
}

struct Kernel {
    std::string name, format;
    std::function<void(const char *, uint3, uint3)> launch;
};
static std::vector<Kernel> &kernels() {
    static std::vector<Kernel> all;
    return all;
}

template <class... A> static int add(const char *name, void (*function)(A...)) {
    auto launch = [function](const char *buffer, uint3 grid, uint3 block) {
        size_t at = 0;
        (void)at;
        std::tuple<A...> arguments{take<A>(buffer, at)...};
        run_grid(grid, block, [&] { std::apply(function, arguments); });
    };
    kernels().push_back({name, std::string{Code<A>::value...}, launch});
    return 0;
}

}  // namespace emulation

#define EMULATE(name) static int emulated_##name = emulation::add(#name, name)

static inline void __syncthreads() {
    using namespace emulation;
    if (state.running < 0) {
        fail("a barrier that the block's first thread did not reach");
        return;
    }
    Fibre &f = state.fibres[state.running];
    ++f.barriers;
    switch_out(f, false);
}

// Others may come in between whatever led to an atomic and the atomic itself.
template <class T, class F> static inline T emulated_update(T *p, F changed) {
    emulation::give_way();
    T old = *p;
    *p = changed(old);
    return old;
}
template <class T> static inline T atomicAdd(T *p, T v) {
    return emulated_update(p, [v](T old) { return (T)(old + v); });
}
template <class T> static inline T atomicMin(T *p, T v) {
    return emulated_update(p, [v](T old) { return old < v ? old : v; });
}
template <class T> static inline T atomicMax(T *p, T v) {
    return emulated_update(p, [v](T old) { return old > v ? old : v; });
}
template <class T> static inline T __ldg(const T *p) { return *p; }
static inline int __popc(unsigned v) { return __builtin_popcount(v); }
static inline float __int_as_float(int v) {
    float f;
    std::memcpy(&f, &v, 4);
    return f;
}
static inline int __float_as_int(float v) {
    int i;
    std::memcpy(&i, &v, 4);
    return i;
}
static inline float __uint_as_float(unsigned v) { return __int_as_float((int)v); }
static inline unsigned __float_as_uint(float v) { return (unsigned)__float_as_int(v); }
// Bytes 0..3 are a's, 4..7 are b's; a selector's digit has no sign bit here.
static inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
    unsigned long long both = (unsigned long long)b << 32 | a;
    unsigned made = 0;
    for (int i = 0; i < 4; ++i)
        made |= (unsigned)(both >> (8 * (selector >> (4 * i) & 7)) & 0xff) << (8 * i);
    return made;
}
// Rounded towards zero; the sum of two floats is exact in a double unless they are far apart.
static inline float __fadd_rz(float a, float b) {
    double exact = (double)a + (double)b;
    float near = (float)exact;
    return std::fabs((double)near) > std::fabs(exact) ? std::nextafterf(near, 0.0f) : near;
}
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }

// For ctypes.
extern "C" {
int emulation_count() { return (int)emulation::kernels().size(); }
const char *emulation_name(int i) { return emulation::kernels()[i].name.c_str(); }
const char *emulation_format(int i) { return emulation::kernels()[i].format.c_str(); }
// Seed 0: in order. Gives null, or what went wrong.
const char *emulation_launch(int i, const char *arguments, unsigned gx, unsigned gy, unsigned gz,
                             unsigned bx, unsigned by, unsigned bz, unsigned long long seed) {
    emulation::state.seed = seed;
    emulation::kernels()[i].launch(arguments, {gx, gy, gz}, {bx, by, bz});
    return emulation::state.error.empty() ? nullptr : emulation::state.error.c_str();
}
}
