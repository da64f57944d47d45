import { checkSource } from '../data/source.ts';
import { ArgumentError, StateError } from '../errors.ts';
import { requirePath } from '../io/regular_file.ts';
import { Model } from '../model.ts';
import type { Callback } from '../train/callbacks.ts';
import { checkOptions, checkWhole } from '../train/check.ts';
import { checkWeightsKind } from '../weights_kind.ts';
import { clientScript } from './client.ts';
import { EventStream } from './event_stream.ts';
import { answer, type Handler, LoopbackServer } from './server.ts';
import { Watch, type WatchedRun } from './watch.ts';

/** Options of {@link livePage}. */
export interface LivePageOptions {
  /**
   * Folder of the run. In the end the page is there as `report.html`; other runs beside it are drawn with it, and what the
   * run's log says of steps before a checkpoint is shown when it goes on. Default none.
   */
  directory?: string;
  /** Port on 127.0.0.1; default 0, any that is free. */
  port?: number;
}

/** A page that follows a run: one of the callbacks of `fit`. */
export interface LivePage extends Callback {
  /** Where browsers on this machine find it. */
  readonly url: string;
  /** Ends the server, as the end of the run does. More than once does nothing. */
  dispose(): void;
  [Symbol.dispose](): void;
}

function checkRun(run: WatchedRun): void {
  if (!(run?.model instanceof Model)) throw new ArgumentError('livePage: run: expected a model and its data');
  if (run.validation !== undefined) checkSource('livePage: validation', run.validation);
  if (run.classes !== undefined && !Array.isArray(run.classes))
    throw new ArgumentError('livePage: classes: expected an array of names');
  checkWeightsKind('livePage: fit', run.fit?.weights);
}

function routesOf(watch: Watch, stream: EventStream): ReadonlyMap<string, Handler> {
  return new Map<string, Handler>([
    [
      '/',
      async (_, response) => {
        const { html, policy } = await watch.page(clientScript);
        const type = 'text/html; charset=utf-8';
        answer(response, 200, html, { 'Content-Type': type, 'Content-Security-Policy': policy });
      },
    ],
    [
      '/events',
      ({ method }, response) => (method === 'HEAD' ? answer(response, 200, '') : stream.open(response)),
    ],
  ]);
}

/**
 * Serves a page that shows a training run while it goes on: loss, accuracies, learning rate and images a second as curves,
 * other runs of the folder beside them, the confusion matrix, the surest mistakes with their images, and the excitations
 * by stage. At the end it is written into the run's folder as one file that needs no server.
 *
 * The server answers this machine alone, and no pages but its own. It does not keep the process alive, and nothing that
 * goes wrong with the page ends the training. Each run needs a page of its own.
 *
 * @throws StateError for a port that is in use
 * @example
 * const run = await prepareRun({ recipe: 'fashion-mnist', model: 'se_resnet20', data: { kind: 'fashion-mnist' } });
 * const page = await livePage(run, { directory: 'runs/first' });
 * console.log(page.url);
 * await trainRun(run, 'runs/first', { callbacks: [page] });
 */
export async function livePage(run: WatchedRun, options: LivePageOptions = {}): Promise<LivePage> {
  checkRun(run);
  checkOptions('livePage', options, ['directory', 'port']);
  const { directory, port = 0 } = options;
  if (directory !== undefined) requirePath('livePage: directory', directory);
  checkWhole('livePage: port', port, 0, 65_535);
  const watch = new Watch(run, directory);
  const stream = new EventStream(watch.sections);
  const server = await LoopbackServer.listen(routesOf(watch, stream), port);
  let isOpen = true;
  const dispose = () => {
    if (isOpen) server.close();
    isOpen = false;
  };
  return {
    url: server.url,
    async onTrainBegin(begin) {
      if (!isOpen) throw new StateError('livePage: expected a page of its own for each run');
      await watch.begin(begin);
    },
    onEpochBegin: (epoch) => watch.epochBegin(epoch),
    onStepEnd: (logs) => watch.stepEnd(logs),
    onValidationBatch: (batch) => watch.validationBatch(batch),
    onEpochEnd: (logs) => watch.epochEnd(logs),
    async onTrainEnd() {
      await watch.end();
      await stream.end();
      dispose();
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}
