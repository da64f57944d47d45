// The method in short, as the page states it; docs/benchmarks.md has it in full.
export const method = `<ul>
<li>Each contender runs in a process of its own, pinned to the same cores, with the same number of threads.</li>
<li>All get the same weights, images and labels. Before anything is timed, logits are compared, and in training the losses of three steps; one that differs is not timed.</li>
<li>After warm-up, contenders take rounds in turn, in an order that turns round; the first iteration of a turn is dropped, of short ones three. Times are medians of the rounds, whiskers the quartiles, ratios medians of the rounds’ ratios.</li>
<li>An inference is a forward pass on images in memory, to logits or probabilities in memory. A training step is forward, backward and an SGD update with momentum and weight decay on a fixed batch; reading and augmenting images is not part of it.</li>
<li>The paper’s SE cost is of other hardware: a step of 256 images on eight GPUs, and one image on a CPU.</li>
<li>Kernels: senet’s are timed as native steps, the others around the call, with some microseconds of dispatch. Operations are those of direct convolution; bytes count each map once per pass. The roofs are measured in the same run: float32 multiply-adds, and a copy with bytes read and written.</li>
<li>Not measured: GPUs where there is none, WebGPU in browsers that compute it in software, WebGL, other precisions than float32.</li>
</ul>`;
