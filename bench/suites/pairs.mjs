// The measures of the README: senet against one other, each by one command.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinned } from '../contenders/index.mjs';
import { Contender, interleave } from '../harness.mjs';
import { optionsOf } from '../inputs.mjs';
import { note } from '../session.mjs';
import { compare } from '../statistics.mjs';
import { measureZoo, withOnnxFile } from './zoo.mjs';

const bench = fileURLToPath(new URL('..', import.meta.url));

/** The contenders of pairs, with inputs of their own: pairs are about time alone. */
class Pairs {
  constructor(session) {
    this.session = session;
    this.options = session.options;
  }

  senet(model, mode, batch, size) {
    const { strideIn } = optionsOf(model);
    const { threads } = this.options;
    const command = [
      ...[process.execPath, join(bench, 'contenders/senet.mjs'), '--model', model, '--mode', mode],
      ...['--batch', `${batch}`, '--size', `${size}`, '--threads', `${threads}`],
      ...(strideIn === undefined ? [] : ['--stride-in', strideIn]),
    ];
    return new Contender(`senet ${model}`, pinned(command, threads));
  }

  /** PyTorch in its best mode, or null when it is not there. */
  pytorch(model, mode, batch, size) {
    const peer = this.session.contenders.find(({ name }) => name === 'pytorch channels_last');
    if (peer.absent !== undefined) return null;
    const command = peer.command({ model, mode, batch, size }, this.options.threads);
    return new Contender('pytorch', pinned(command, this.options.threads), peer.env);
  }

  /** A net in onnxruntime-node, from a file that exportOnnx wrote; null when it is not there. */
  onnxruntime(onnx, batch, size) {
    const peer = this.session.contenders.find(({ name }) => name === 'onnxruntime-node');
    if (peer.absent !== undefined) return null;
    const command = peer.command({ onnx, batch, size }, this.options.threads);
    return new Contender('onnxruntime-node', pinned(command, this.options.threads));
  }

  /** Interleaves the contenders that are there; reports the first against each other and gives the ratios back. */
  async versus(measure, contenders, turn) {
    const present = contenders.filter((contender) => contender !== null);
    const ratios = [];
    note(measure);
    try {
      for (const contender of present) await contender.ready();
      if (present.length < 2) {
        this.session.say({ suite: 'pairs', measure, skipped: 'the peer is not there' });
        return ratios;
      }
      const [first, ...others] = present;
      const { times, failures } = await interleave(present, turn);
      const [failure] = Object.values(failures);
      if (failure !== undefined) throw new Error(failure);
      for (const other of others) {
        const compared = compare(times, first.name, other.name);
        const names = { contender: first.name, against: other.name };
        this.session.say({
          suite: 'pairs',
          measure,
          ...names,
          unit: 'ratio',
          value: compared.ratio,
          ...compared,
        });
        ratios.push(compared.ratio);
      }
      return ratios;
    } finally {
      await Promise.all(present.map((contender) => contender.stop()));
    }
  }
}

export const pairs = {
  'inference-onnxruntime': (session) =>
    withOnnxFile('se_resnet50', { strideIn: '1x1' }, async ({ file, size }) => {
      const { rounds } = session.options;
      const all = new Pairs(session);
      for (const [batch, turn] of [
        [1, { rounds: 2 * rounds, perTurn: 11, drop: 3 }],
        [16, { rounds }],
      ]) {
        const contenders = [
          all.senet('se_resnet50', 'infer', batch, size),
          all.onnxruntime(file, batch, size),
        ];
        await all.versus(`se_resnet50 inference, batch ${batch}`, contenders, turn);
      }
    }),
  zoo(session) {
    const all = new Pairs(session);
    const { rounds, models, quick } = session.options;
    const some = quick ? ['resnet20', 'se_resnet20'] : undefined;
    const say = (result) => session.say({ suite: 'pairs', ...result });
    return measureZoo(say, models?.split(',') ?? some, ({ name, file, size }) =>
      all.versus(
        `${name}, ${size}x${size}, inference, batch 1`,
        [all.senet(name, 'infer', 1, size), all.onnxruntime(file, 1, size)],
        { rounds, perTurn: 3, pauseMs: 20 },
      ),
    );
  },
  'cifar-pytorch'(session) {
    const all = new Pairs(session);
    const work = ['se_resnet20', 'train', 128, 32];
    const measure = 'se_resnet20 training step, batch 128, 32x32';
    const turn = { rounds: 2 * session.options.rounds, perTurn: 3 };
    return all.versus(measure, [all.senet(...work), all.pytorch(...work)], turn);
  },
  'training-pytorch'(session) {
    const all = new Pairs(session);
    const work = ['se_resnet50', 'train', 16, 224];
    const measure = 'se_resnet50 training step, batch 16';
    return all.versus(measure, [all.senet(...work), all.pytorch(...work)], {
      rounds: session.options.rounds,
    });
  },
  async 'memory-and-loop'(session) {
    const contender = await new Pairs(session).senet('se_resnet50', 'train', 16, 224).ready();
    try {
      await contender.ask('reset');
      for (let i = 0; i < 4; i += 1) await contender.ask('run');
      const measure = 'se_resnet50 training, batch 16: peak memory, event loop';
      session.say({ suite: 'pairs', measure, contender: 'senet', ...(await contender.ask('stats')) });
    } finally {
      await contender.stop();
    }
  },
};
