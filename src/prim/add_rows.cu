// Sums of rows by destination, on the GPU. A block takes one destination; 32 columns lie beside each other, and 8 rows of
// threads take every eighth row of the destination, in order. Their sums are added in order too: the same bits every time, and
// no atomic operation.
extern "C" __global__ void add_rows(const float *x, const unsigned *rows, const unsigned *offsets, const unsigned *targets, unsigned width, float *out) {
    __shared__ float parts[8][32];
    const unsigned from = offsets[blockIdx.x], to = offsets[blockIdx.x + 1];
    float *target = out + (size_t)targets[blockIdx.x] * width;
    for (unsigned first = 0; first < width; first += 32) {
        const unsigned column = first + threadIdx.x;
        float sum = 0;
        if (column < width)
            for (unsigned at = from + threadIdx.y; at < to; at += 8)
                sum += x[(size_t)rows[at] * width + column];
        parts[threadIdx.y][threadIdx.x] = sum;
        __syncthreads();
        if (threadIdx.y == 0 && column < width) {
            for (unsigned lane = 1; lane < 8; lane++)
                sum += parts[lane][threadIdx.x];
            target[column] += sum;
        }
        __syncthreads();
    }
}
