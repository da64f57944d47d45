/** Gathers what the page of a run shows; nothing that goes wrong in it ends the run. */
import { mkdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ImageDataset } from '../data/dataset.ts';
import type { BatchSource } from '../data/source.ts';
import { UnsupportedError } from '../errors.ts';
import type { Excitations } from '../excitations.ts';
import { type HtmlPage, htmlPage } from '../figures/html_page.ts';
import { escapeText } from '../figures/line_chart.ts';
import { FolderDataset } from '../images/folder_dataset.ts';
import { stretched } from '../images/thumbnail.ts';
import { writeFileAtomic } from '../io/atomic_file.ts';
import type { Model } from '../model.ts';
import { readRun, runFiles } from '../runs/read_run.ts';
import type { EpochLogs, Resumed, StepLogs, ValidationBatch } from '../train/callbacks.ts';
import { predictionReport } from '../train/prediction_report.ts';
import type { WeightsOptions } from '../weights_kind.ts';
import { sampleExcitations } from './excitations.ts';
import { otherRuns } from './other_runs.ts';
import { type OtherRun, type Section, sectionsOf, type View } from './sections.ts';
import { Tracker } from './tracker.ts';

/** What a page is about; a {@link PreparedRun} is all of it. */
export interface WatchedRun {
  readonly model: Model;
  /** Names of the classes by index; default their numbers. */
  readonly classes?: readonly string[];
  /** What `fit` validates on, for the excitations and for the images of mistakes. */
  readonly validation?: BatchSource | undefined;
  /** Which weights `fit` validates, and the excitations are of. */
  readonly fit?: WeightsOptions;
  /** Shown as JSON; default none. */
  readonly config?: unknown;
}

export class Watch {
  readonly sections: readonly Section[];
  readonly #run: WatchedRun;
  readonly #directory: string | undefined;
  readonly #name: string;
  readonly #tracker = new Tracker();
  readonly #report = predictionReport();
  #trained = false;
  #others: readonly OtherRun[] = [];
  #excitations: Excitations | Error | undefined;

  constructor(run: WatchedRun, directory: string | undefined) {
    this.#run = run;
    this.#directory = directory;
    this.#name = directory === undefined ? 'Training' : basename(resolve(directory));
    this.sections = sectionsOf(this.#view());
  }

  async begin({ epochs, resumed }: { epochs: number; resumed: Resumed | undefined }): Promise<void> {
    if (this.#directory !== undefined) {
      this.#others = await otherRuns(this.#directory);
      if (resumed !== undefined) await this.#resume(this.#directory, resumed);
    }
    this.#tracker.begin(epochs);
  }

  epochBegin(epoch: number): void {
    this.#tracker.epochBegin();
    this.#report.onEpochBegin?.(epoch);
  }

  stepEnd(logs: StepLogs): void {
    this.#trained = true;
    this.#tracker.stepEnd(logs);
  }

  validationBatch(batch: ValidationBatch): void {
    this.#tracker.validating();
    this.#report.onValidationBatch?.(batch);
  }

  async epochEnd(logs: EpochLogs): Promise<void> {
    this.#report.onEpochEnd?.(logs);
    await this.#captureExcitations();
    this.#tracker.epochEnd(logs);
  }

  /** Writes the page into the folder, if there is one; where nothing was trained, an earlier page stays. */
  async end(): Promise<void> {
    this.#tracker.end();
    if (this.#directory === undefined || !this.#trained) return;
    try {
      await mkdir(this.#directory, { recursive: true });
      const { html } = await this.page();
      await writeFileAtomic(join(this.#directory, runFiles.report), [Buffer.from(html)]);
    } catch (error) {
      process.emitWarning(`livePage: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The whole page as it is now; with a script it can go on by itself. */
  async page(script?: string): Promise<HtmlPage> {
    const parts = this.sections.map(async ({ id, html }) => `<section id="${id}">${await html()}</section>`);
    const body = [
      `<h1>${escapeText(this.#name)} <small>${escapeText(this.#run.model.name)}</small></h1>`,
      ...(script === undefined ? [] : ['<p id="connection" role="status"></p>']),
      `<main>${(await Promise.all(parts)).join('\n')}</main>`,
    ];
    return htmlPage(`${this.#name}: senet`, body.join('\n'), script);
  }

  #view(): View {
    const watch = this;
    const { model, classes = [], validation, config } = this.#run;
    const hasPictures = validation instanceof ImageDataset || validation instanceof FolderDataset;
    return {
      tracker: this.#tracker,
      classes: model.classes,
      names: classes,
      config,
      get others() {
        return watch.#others;
      },
      get predictions() {
        return watch.#report.last;
      },
      get excitations() {
        return watch.#excitations;
      },
      picture: (image) =>
        hasPictures ? validation.picture({ images: image }, 0) : stretched(image, model.input),
    };
  }

  /** Shows what the run's log says of the time before the checkpoint. */
  async #resume(directory: string, { epoch, step }: Resumed): Promise<void> {
    try {
      const { steps, epochs } = await readRun(directory);
      const isBefore = (logs: StepLogs) => logs.epoch < epoch || (logs.epoch === epoch && logs.step < step);
      this.#tracker.resume(
        steps.filter(isBefore),
        epochs.filter((logs) => logs.epoch < epoch),
      );
    } catch {
      // A folder that no one else keeps has no log; the page then begins here.
    }
  }

  async #captureExcitations(): Promise<void> {
    const { model, validation, fit } = this.#run;
    if (validation === undefined || this.#excitations instanceof UnsupportedError) return;
    try {
      this.#excitations = await sampleExcitations(model, validation, fit?.weights ?? 'trained');
    } catch (error) {
      this.#excitations = error instanceof Error ? error : new Error(String(error));
    }
  }
}
