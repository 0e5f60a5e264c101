// Connected components of alpha >= threshold, 8-connected, with area and box of each, the keep
// rule, and the box around what is kept. Twin: keep_components. Nothing is read back but the
// verdict, one frame late.
//
// Must move: 4 (fp16: 2) bytes a pixel of raw alpha in, 4 of clipped alpha and 1 of mask out; the
// labels, one a 2x2 block, never leave the L2 cache at the sizes of networks.
//
// Any two set pixels of a 2x2 block touch, so a block has one label (as in Allegretti, Bolelli and
// Grana, "Optimized Block-Based Algorithms to Label Connected Components on GPUs", IEEE TPDS 2020).
// Union-find with atomicMin (Komura 2015, Playne and Hawick 2018), first in shared memory within
// tiles, then across their borders. A component's root is its first block in raster order, which
// is also the order of OpenCV's labels: ties for the largest are broken alike. Areas and boxes are
// summed within tiles, then over the few tile-local roots only.
//
// Five launches, in order: components_tiles, _merge, _fold, _choose, _mask.
#pragma once

constexpr int SHARE_BITS = 40;  // of a component's least share of the largest one
constexpr float STEPS = 65536.0f;  // a tile's outline is at most 2048
constexpr int TILE = 16;  // blocks of 2x2 pixels along a side of a tile

struct Component {
    int area, left, top, right, bottom, kept;  // right and bottom exclusive
    int at_left, at_right;                     // pixels on the grid's borders
};

// Counters that are 0 between frames: zeroed once by the host, then by components_choose.
struct Tally {
    int roots, finals, not_finite, shows, undecided;
    float outline;
};

// What an alpha amounts to; cpu/cover.py and stages/matte/checks.py have the same.
constexpr float SHOWS = 0.05f, LOW = 0.1f, HIGH = 0.9f;
constexpr float MOST_UNDECIDED = 0.5f, LONGEST_OUTLINE = 40.0f;

__device__ __forceinline__ int find(const int *links, int i) {
    // volatile: others write while we walk; a stale link only makes the walk longer.
    for (int next; (next = ((const volatile int *)links)[i]) != i; i = next) {}
    return i;
}

__device__ __forceinline__ void unite(int *links, int a, int b) {
    for (;;) {
        a = find(links, a);
        b = find(links, b);
        if (a == b) return;
        if (a < b) {
            int swap = a;
            a = b;
            b = swap;
        }
        int old = atomicMin(&links[a], b);
        if (old == a) return;  // a was a root still, and now hangs on b
        a = old;               // somebody was faster: what a hung on must join b too
    }
}

// Bits of a block: 1 2 / 4 8.
__device__ __forceinline__ bool left_touches(int here, int left) {
    return (here & 5) && (left & 10);
}
__device__ __forceinline__ bool up_touches(int here, int up) { return (here & 3) && (up & 12); }
__device__ __forceinline__ bool up_left_touches(int here, int other) {
    return (here & 1) && (other & 8);
}
__device__ __forceinline__ bool up_right_touches(int here, int other) {
    return (here & 2) && (other & 4);
}

__device__ __forceinline__ float get(const float *p, long long i) { return __ldg(p + i); }
__device__ __forceinline__ float get(const __half *p, long long i) { return __half2float(p[i]); }

struct TileScratch {
    int links[TILE * TILE], bits[TILE * TILE], area[TILE * TILE], left[TILE * TILE],
        top[TILE * TILE], right[TILE * TILE], bottom[TILE * TILE], at_left[TILE * TILE],
        at_right[TILE * TILE];
    int outline;  // in 1/STEPS: an atomic sum of floats is a loop in which all threads fight
    int not_finite, shows, undecided;
};

// raw: rows x columns at `stride` elements a row, as the network gave it. sides: 1 where the grid's left
// border is the frame's, 2 where its right one is. alpha (may be null): the
// same clipped to 0..1, dense.
template <class T>
__device__ __forceinline__ void label_tile(TileScratch &s, const T *raw, int stride, int rows,
                                           int columns, int sides, float threshold,
                                           float *alpha, int *parent,
                                           u8 *bits, Component *components, int *roots,
                                           Tally *tally) {
    int wide = (columns + 1) / 2, high = (rows + 1) / 2;
    int bx = blockIdx.x * TILE + threadIdx.x, by = blockIdx.y * TILE + threadIdx.y;
    int t = threadIdx.y * TILE + threadIdx.x;
    int mine = 0, odd = 0;
    float outline = 0;
    int shows = 0, undecided = 0;
    int left = 2, right = 0, top = 2, bottom = 0;
    if (t == 0) {
        s.outline = 0;
        s.not_finite = s.shows = s.undecided = 0;
    }
    if (bx < wide && by < high) {
#pragma unroll
        for (int j = 0; j < 2; ++j) {
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                int x = 2 * bx + i, y = 2 * by + j;
                if (x >= columns || y >= rows) continue;
                float v = get(raw, (long long)y * stride + x);
                if (v - v != 0.0f) odd = 1;  // NaN or infinity
                float a = clampf(v, 0.0f, 1.0f);
                if (alpha) alpha[(long long)y * columns + x] = a;
                shows += a > SHOWS;
                undecided += a > LOW && a < HIGH;
                long long at = (long long)y * stride + x;
                if (x + 1 < columns) outline += fabsf(a - clampf(get(raw, at + 1), 0.0f, 1.0f));
                if (y + 1 < rows) outline += fabsf(a - clampf(get(raw, at + stride), 0.0f, 1.0f));
                if (v >= threshold) {
                    mine |= 1 << (2 * j + i);
                    left = min(left, i);
                    right = max(right, i + 1);
                    top = min(top, j);
                    bottom = max(bottom, j + 1);
                }
            }
        }
    }
    s.links[t] = t;
    s.bits[t] = mine;
    s.area[t] = 0;
    s.left[t] = s.top[t] = 2 * TILE;
    s.right[t] = s.bottom[t] = 0;
    s.at_left[t] = s.at_right[t] = 0;
    __syncthreads();
    if (outline > 0.0f) atomicAdd(&s.outline, (int)(outline * STEPS + 0.5f));
    if (shows) atomicAdd(&s.shows, shows);
    if (undecided) atomicAdd(&s.undecided, undecided);
    if (odd) atomicAdd(&s.not_finite, 1);
    if (mine) {
        int x = threadIdx.x, y = threadIdx.y;
        if (x > 0 && left_touches(mine, s.bits[t - 1])) unite(s.links, t, t - 1);
        if (y > 0) {
            if (up_touches(mine, s.bits[t - TILE])) unite(s.links, t, t - TILE);
            if (x > 0 && up_left_touches(mine, s.bits[t - TILE - 1]))
                unite(s.links, t, t - TILE - 1);
            if (x < TILE - 1 && up_right_touches(mine, s.bits[t - TILE + 1]))
                unite(s.links, t, t - TILE + 1);
        }
    }
    __syncthreads();
    int root = find(s.links, t);
    if (mine) {
        atomicAdd(&s.area[root], __popc(mine));
        atomicMin(&s.left[root], 2 * (int)threadIdx.x + left);
        atomicMax(&s.right[root], 2 * (int)threadIdx.x + right);
        atomicMin(&s.top[root], 2 * (int)threadIdx.y + top);
        atomicMax(&s.bottom[root], 2 * (int)threadIdx.y + bottom);
        if (bx == 0 && (sides & 1)) atomicAdd(&s.at_left[root], __popc(mine & 5));
        if (bx == wide - 1 && (sides & 2)) atomicAdd(&s.at_right[root], __popc(mine & (columns & 1 ? 5 : 10)));
    }
    __syncthreads();
    if (t == 0) {
        if (s.outline) atomicAdd(&tally->outline, (float)s.outline * (1.0f / STEPS));
        if (s.shows) atomicAdd(&tally->shows, s.shows);
        if (s.undecided) atomicAdd(&tally->undecided, s.undecided);
        if (s.not_finite) atomicAdd(&tally->not_finite, s.not_finite);
    }
    if (bx >= wide || by >= high) return;
    int id = by * wide + bx;
    bits[id] = (u8)mine;
    if (!mine) {
        parent[id] = -1;
        return;
    }
    parent[id] = (blockIdx.y * TILE + root / TILE) * wide + blockIdx.x * TILE + root % TILE;
    if (root != t) return;
    Component c;
    c.area = s.area[t];
    c.left = 2 * TILE * blockIdx.x + s.left[t];
    c.right = 2 * TILE * blockIdx.x + s.right[t];
    c.top = 2 * TILE * blockIdx.y + s.top[t];
    c.bottom = 2 * TILE * blockIdx.y + s.bottom[t];
    c.kept = 0;
    c.at_left = s.at_left[t];
    c.at_right = s.at_right[t];
    components[id] = c;
    roots[atomicAdd(&tally->roots, 1)] = id;
}

extern "C" __global__ void __launch_bounds__(TILE *TILE)
components_tiles_f32(const float *raw, int stride, int rows, int columns, int sides,
                     float threshold,
                     float *alpha, int *parent, u8 *bits, Component *components, int *roots,
                     Tally *tally) {
    __shared__ TileScratch scratch;
    label_tile(scratch, raw, stride, rows, columns, sides, threshold, alpha, parent, bits, components,
               roots, tally);
}

extern "C" __global__ void __launch_bounds__(TILE *TILE)
components_tiles_f16(const __half *raw, int stride, int rows, int columns, int sides,
                     float threshold,
                     float *alpha, int *parent, u8 *bits, Component *components, int *roots,
                     Tally *tally) {
    __shared__ TileScratch scratch;
    label_tile(scratch, raw, stride, rows, columns, sides, threshold, alpha, parent, bits, components,
               roots, tally);
}

// One thread for each block on the lower side of a border between tiles, then one for each on its
// right side. Must move: bits and labels along the borders.
extern "C" __global__ void components_merge(const u8 *bits, int *parent, int rows, int columns) {
    int wide = (columns + 1) / 2, high = (rows + 1) / 2;
    int lines = (high - 1) / TILE, stripes = (wide - 1) / TILE;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < lines * wide) {
        int x = i % wide, y = TILE * (i / wide + 1), id = y * wide + x;
        int mine = bits[id];
        if (!mine) return;
        if (up_touches(mine, bits[id - wide])) unite(parent, id, id - wide);
        if (x > 0 && up_left_touches(mine, bits[id - wide - 1])) unite(parent, id, id - wide - 1);
        if (x + 1 < wide && up_right_touches(mine, bits[id - wide + 1]))
            unite(parent, id, id - wide + 1);
        return;
    }
    i -= lines * wide;
    if (i >= stripes * high) return;
    int y = i % high, x = TILE * (i / high + 1), id = y * wide + x;
    int mine = bits[id];
    if (!mine) return;
    if (left_touches(mine, bits[id - 1])) unite(parent, id, id - 1);
    if (y > 0 && up_left_touches(mine, bits[id - wide - 1])) unite(parent, id, id - wide - 1);
    // Seen from the block below left, this one is up right of it.
    if (y + 1 < high && up_right_touches(bits[id + wide - 1], mine))
        unite(parent, id, id + wide - 1);
}

// Areas and boxes of the tiles' own roots onto the components' roots. Any number of threads.
// Must move: 36 bytes for each component of each tile.
extern "C" __global__ void components_fold(int *parent, Component *components, const int *roots,
                                           int *finals, Tally *tally) {
    int count = tally->roots;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        int id = roots[i], root = find(parent, id);
        if (root == id) {
            finals[atomicAdd(&tally->finals, 1)] = id;
            continue;
        }
        parent[id] = root;  // a shortcut: only roots of tiles change here, and only towards roots
        const Component c = components[id];
        Component *to = &components[root];
        atomicAdd(&to->area, c.area);
        atomicMin(&to->left, c.left);
        atomicMin(&to->top, c.top);
        atomicMax(&to->right, c.right);
        atomicMax(&to->bottom, c.bottom);
        if (c.at_left) atomicAdd(&to->at_left, c.at_left);
        if (c.at_right) atomicAdd(&to->at_right, c.at_right);
    }
}

enum Keep { KEEP_ALL, KEEP_LARGEST, KEEP_TAKING_PART };

// What components_choose shares between its threads.
struct ChooseScratch {
    u64 best, below;
    int left, top, right, bottom, kept;
    int listed, reference, ids[MOST], stays[MOST];
};

// The largest components that may be somebody, largest first, equal ones in their order, into the
// verdict's list. All threads of one block.
__device__ __forceinline__ void list_found(ChooseScratch &s, const Component *components,
                                           const int *finals, int count, long long pixels,
                                           Verdict *verdict) {
    for (int k = 0; k < MOST; ++k) {
        if (threadIdx.x == 0) s.best = 0;
        __syncthreads();
        u64 below = s.below;
        for (int i = threadIdx.x; i < count; i += blockDim.x) {
            int id = finals[i], area = components[id].area;
            u64 rank = (u64)area << 32 | (u64)(0xffffffffu - (u32)id);
            if (rank < below && (long long)area * 4000 >= pixels) atomicMax(&s.best, rank);
        }
        __syncthreads();
        u64 best = s.best;
        if (best == 0) break;  // for all threads alike
        if (threadIdx.x == 0) {
            int id = (int)(0xffffffffu - (u32)best);
            const Component c = components[id];
            Found *f = &verdict->found[k];
            f->left = c.left;
            f->top = c.top;
            f->right = c.right;
            f->bottom = c.bottom;
            f->area = c.area;
            f->touching = max(c.at_left, c.at_right);
            s.ids[k] = id;
            s.below = best;
            s.listed = k + 1;
        }
        __syncthreads();
    }
}

// One block. Which components stay: the largest, or all, or those of people who take part; of the
// latter two, those of at least a share of the largest one, and of 1/4000 of the grid. The share is
// least_high * 2^-20 + least_low * 2^-40: a GPU for pictures is slow with doubles. known is
// for people who take part, and may be null. Writes the verdict, and leaves the tally at 0 for the
// next frame.
// Must move: 32 bytes for each component.
extern "C" __global__ void components_choose(Component *components, const int *finals, Tally *tally,
                                             int rows, int columns, int keep, int least_high,
                                             int least_low, float max_coverage,
                                             const KnownPeople *known, Verdict *verdict) {
    __shared__ ChooseScratch s;
    long long pixels = (long long)rows * columns;
    int count = tally->finals;
    if (threadIdx.x == 0) {
        s.best = 0;
        s.below = ~(u64)0;
        s.left = columns;
        s.top = rows;
        s.right = s.bottom = s.kept = s.listed = s.reference = 0;
    }
    __syncthreads();
    if (keep == KEEP_TAKING_PART) {
        list_found(s, components, finals, count, pixels, verdict);
        __syncthreads();
        if (threadIdx.x == 0) {
            taking_part(verdict->found, s.listed, known, s.stays);
            for (int i = s.listed - 1; i >= 0; --i)
                if (s.stays[i]) s.reference = verdict->found[i].area;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < s.listed; i += blockDim.x)
            components[s.ids[i]].kept = s.stays[i] != 0;
    } else {
        for (int i = threadIdx.x; i < count; i += blockDim.x) {
            // Equal areas: the one that comes first.
            int id = finals[i];
            atomicMax(&s.best, (u64)components[id].area << 32 | (u64)(0xffffffffu - (u32)id));
        }
        __syncthreads();
        if (threadIdx.x == 0) s.reference = (int)(s.best >> 32);
    }
    __syncthreads();
    int largest = s.reference, first = (int)(0xffffffffu - (u32)s.best);
    bool anybody = count > 0 && largest > 0 && (long long)largest * 4000 >= pixels;
    u64 least = (u64)least_high << (SHARE_BITS / 2) | (u64)least_low;
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        int id = finals[i];
        Component *c = &components[id];
        bool stays = anybody && (keep == KEEP_LARGEST ? id == first
                                                      : (u64)c->area << SHARE_BITS >= least * (u64)largest &&
                                                            (long long)c->area * 4000 >= pixels);
        if (keep == KEEP_TAKING_PART) stays = stays && c->kept;
        c->kept = stays;
        if (!stays) continue;
        atomicAdd(&s.kept, 1);
        atomicMin(&s.left, c->left);
        atomicMin(&s.top, c->top);
        atomicMax(&s.right, c->right);
        atomicMax(&s.bottom, c->bottom);
    }
    __syncthreads();
    if (threadIdx.x != 0) return;
    float whole = (float)pixels;
    bool odd = tally->not_finite != 0;
    bool much = (float)tally->shows > max_coverage * whole ||
                (float)tally->undecided > MOST_UNDECIDED * whole ||
                tally->outline > LONGEST_OUTLINE * sqrtf(whole);
    verdict->left = s.kept ? s.left : 0;
    verdict->top = s.kept ? s.top : 0;
    verdict->right = s.right;
    verdict->bottom = s.bottom;
    verdict->count = s.kept;
    verdict->refused = odd || much;
    verdict->not_finite = tally->not_finite;
    verdict->shows = tally->shows;
    verdict->undecided = tally->undecided;
    verdict->outline = tally->outline;
    verdict->peak = 0;
    verdict->listed = s.listed;
    tally->roots = tally->finals = tally->not_finite = tally->shows = tally->undecided = 0;
    tally->outline = 0;
}

// 1 where a kept component is. One thread a 2x2 block. Must move: 1 byte a pixel out, 5 bytes a
// block in.
extern "C" __global__ void components_mask(const int *parent, const u8 *bits,
                                           const Component *components, int rows, int columns,
                                           u8 *mask) {
    int wide = (columns + 1) / 2, high = (rows + 1) / 2;
    int bx = blockIdx.x * blockDim.x + threadIdx.x, by = blockIdx.y * blockDim.y + threadIdx.y;
    if (bx >= wide || by >= high) return;
    int id = by * wide + bx, mine = bits[id];
    if (mine && !components[find(parent, id)].kept) mine = 0;
    u8 *p = mask + (long long)2 * by * columns + 2 * bx;
    bool beside = 2 * bx + 1 < columns, below = 2 * by + 1 < rows;
    if (beside && (columns & 1) == 0) {  // pairs lie at even addresses
        *(uchar2 *)p = make_uchar2(mine & 1, mine >> 1 & 1);
        if (below) *(uchar2 *)(p + columns) = make_uchar2(mine >> 2 & 1, mine >> 3 & 1);
        return;
    }
    p[0] = mine & 1;
    if (beside) p[1] = mine >> 1 & 1;
    if (below) p[columns] = mine >> 2 & 1;
    if (beside && below) p[columns + 1] = mine >> 3 & 1;
}
