// What the first iteration takes beyond a later one: compiling, tuning, packing of weights. onnxruntime does that when it
// makes its session.
import { summary } from '../statistics.mjs';
import { lookAtEach, worksOf } from './alone.mjs';

/** PyTorch keeps what it has compiled for later processes. */
const env = { TORCHINDUCTOR_FORCE_DISABLE_CACHES: '1' };

export async function measureCompile(session) {
  const { quick } = session.options;
  for (const work of worksOf(quick))
    await lookAtEach(
      session,
      { suite: 'compile', name: 'compile', unit: 'ms', work, env, rounds: quick ? 1 : 3 },
      ({ info: { createMs, firstMs, warmMs, compilesAtCreation } }) =>
        (compilesAtCreation ? createMs : 0) + Math.max(0, firstMs - warmMs),
      summary,
    );
}
