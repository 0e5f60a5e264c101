// The frame path on the GPU. Each kernel is the twin of an operation in pixels/cpu.py, which is its
// oracle: same names, same formulas, results equal within what rounding allows (docs/kernels.md).
//
// Rules of the house:
//  - Nothing here allocates, and nothing waits for the host. Every buffer comes in as an argument.
//  - Surfaces are pitch-linear, any pitch, any base address: where address and pitch allow, bytes
//    move 16 or 4 at a time, else one by one.
//  - The arguments of a kernel are pointers, int, float and double only, so that their layout is
//    the same for the driver, for pycuda's packing and for the host emulation.
//  - __shared__ stands in kernels themselves, not in templates: the emulation then can fill it with
//    garbage before every block.
//  - The comment of each kernel says which bytes it must move, whatever the implementation: the
//    yardstick for `mattebox bench --gpu`.
//
// The same source is compiled by nvcc or NVRTC for the device, and by g++ against the header in
// tests/kernels/emulation, which runs it block by block without a GPU.
#include <cuda_fp16.h>

#include "kernels/common.cuh"
#include "kernels/crop.cuh"
#include "kernels/taking_part.cuh"
#include "kernels/components.cuh"
#include "kernels/clean.cuh"
#include "kernels/join.cuh"
#include "kernels/steady.cuh"
#include "kernels/tiles.cuh"
#include "kernels/guided.cuh"
#include "kernels/composite.cuh"
#include "kernels/layer.cuh"
#include "kernels/key_fill.cuh"
#include "kernels/overlay.cuh"
#include "kernels/projection.cuh"
#include "kernels/affine.cuh"
#include "kernels/light.cuh"
#include "kernels/shadow.cuh"
#include "kernels/look.cuh"
#include "kernels/between.cuh"
#include "kernels/mattes.cuh"
#include "kernels/plate.cuh"
#include "kernels/edge.cuh"
#include "kernels/paste.cuh"
#include "kernels/blur.cuh"
#include "kernels/convert.cuh"
#include "kernels/network.cuh"
