// How much of the person stands in each column of the grid. Twin: column_sums.
#pragma once

// A block sums one column of alpha. Must move: 4 bytes a grid pixel in, 4 a column out.
extern "C" __global__ void column_sums(const float *alpha, int rows, int columns, float *out) {
    __shared__ float part[128];
    int column = blockIdx.x, lane = threadIdx.x;
    float sum = 0;
    for (int y = lane; y < rows; y += blockDim.x) sum += alpha[(long long)y * columns + column];
    part[lane] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (lane < half) part[lane] += part[lane + half];
        __syncthreads();
    }
    if (lane == 0) out[column] = part[0];
}
