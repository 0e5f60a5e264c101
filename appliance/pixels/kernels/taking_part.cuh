// Who takes part: which of a frame's components stay, given who was known before. Whole numbers
// throughout, in grid pixels, as in cpu/taking_part.py, which says what the rules are for.
#pragma once

// As in cpu/taking_part.py.
constexpr int SAME_SHARE = 4, CUT_PERCENT = 60, FAR_SHARE = 5;

struct Box {
    int left, top, right, bottom;  // grid pixels; right and bottom exclusive
};

// Written by the host before the launches, see gpu/taking_part.py (KNOWN).
struct Known {
    Box box, reach;
    int taking;
};
struct KnownPeople {
    int count;
    Known list[MOST];
};

__device__ __forceinline__ long long area_of(const Box &b) {
    return (long long)max(b.right - b.left, 0) * max(b.bottom - b.top, 0);
}

__device__ __forceinline__ long long common_of(const Box &a, const Box &b) {
    Box c = {max(a.left, b.left), max(a.top, b.top), min(a.right, b.right),
             min(a.bottom, b.bottom)};
    return area_of(c);
}

__device__ __forceinline__ Box box_of(const Found &f) {
    Box b = {f.left, f.top, f.right, f.bottom};
    return b;
}

__device__ __forceinline__ bool is_cut(const Found &f) {
    return f.touching * 100 > CUT_PERCENT * (f.bottom - f.top);
}

__device__ __forceinline__ bool half_within(const Box &box, const Box &reach) {
    return 2 * common_of(box, reach) >= area_of(box);
}

// Who of those that take part, or that do not, overlaps a box most; -1: nobody by a quarter.
__device__ __forceinline__ int overlapping(const Box &box, const KnownPeople *known, int count,
                                           bool taking) {
    int found = -1;
    long long best = 0, of = 1;
    for (int i = 0; i < count; ++i) {
        if ((known->list[i].taking != 0) != taking) continue;
        long long common = common_of(box, known->list[i].box);
        long long whole = area_of(box) + area_of(known->list[i].box) - common;
        if (common * SAME_SHARE >= whole && common * of > best * whole) {
            found = i;
            best = common;
            of = whole;
        }
    }
    return found;
}

// Whose each component is, as an index of the list; -1: nobody's who was known.
__device__ inline void who(const Found *found, int n, const KnownPeople *known, int count,
                           int *matches) {
    u32 there = 0;
    for (int i = 0; i < n; ++i) {
        matches[i] = overlapping(box_of(found[i]), known, count, true);
        if (matches[i] >= 0) there |= 1u << matches[i];
    }
    for (int i = 0; i < n; ++i) {
        if (matches[i] >= 0) continue;
        Box box = box_of(found[i]);
        int other = overlapping(box, known, count, false);
        for (int k = 0; k < count; ++k) {
            const Known &one = known->list[k];
            if (!one.taking || there >> k & 1) continue;
            if (half_within(one.box, box) || (other < 0 && half_within(box, one.box))) {
                other = k;
                break;
            }
        }
        matches[i] = other;
    }
}

__device__ __forceinline__ Box reach_of(const Box &b) {
    int width = b.right - b.left, height = b.bottom - b.top;
    int x = max(width, height / 3) * 3 / 10, y = height;
    Box reach = {b.left - x, b.top - y, b.right + x, b.bottom + y};
    return reach;
}

// One thread. stays[i]: whether the component found[i] is of somebody who takes part; found is
// sorted by area, the largest first. known may be null.
__device__ inline void taking_part(const Found *found, int n, const KnownPeople *known,
                                   int *stays) {
    int count = known ? min(known->count, MOST) : 0, matches[MOST];
    bool any = false, remembered = false;
    for (int k = 0; k < count; ++k) remembered |= known->list[k].taking != 0;
    who(found, n, known, count, matches);
    for (int i = 0; i < n; ++i) {
        Box box = box_of(found[i]);
        int match = matches[i];
        bool stay = match >= 0 && known->list[match].taking;
        if (match < 0 && !is_cut(found[i]))
            for (int k = 0; k < count && !stay; ++k)
                stay = known->list[k].taking && half_within(box, known->list[k].reach);
        stays[i] = stay;
        any |= stay;
    }
    if (any || n == 0) return;
    int largest = found[0].area;
    for (int i = 0; i < n; ++i) {
        stays[i] = (!remembered || matches[i] < 0) && !is_cut(found[i]) &&
                   (long long)found[i].area * FAR_SHARE >= largest;
        any |= stays[i] != 0;
    }
    if (!any && !remembered) stays[0] = 1;
    // 2: a part of one of these.
    for (int i = 0; i < n; ++i) {
        if (stays[i] || (remembered && matches[i] >= 0) || is_cut(found[i])) continue;
        for (int k = 0; k < n && !stays[i]; ++k)
            if (stays[k] == 1 && half_within(box_of(found[i]), reach_of(box_of(found[k]))))
                stays[i] = 2;
    }
}
