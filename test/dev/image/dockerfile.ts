/**
 * Builds what a Dockerfile describes without a container engine: every stage is a folder that takes the place
 * of the image's root, COPY copies between these folders, and RUN runs in them. Base images are empty: the
 * host's own programs take their place. An instruction that is not known here is an error, so that none is
 * left out unseen.
 */
import fs from 'node:fs';
import path from 'node:path';
import { runToEnd } from '../../../dev/start/processes';

interface Instruction {
  name: string;
  text: string;
}

export interface Stage {
  /** The folder that takes the place of `/`. */
  root: string;
  /** As the Dockerfile has it: `/app`. */
  workingFolder: string;
  env: Record<string, string>;
  command: string[];
}

export interface BuildOptions {
  dockerfile: string;
  /** What the build context admits, in a folder. */
  context: string;
  /** For the stages. */
  folder: string;
  /** The environment in which RUN runs, below what ENV sets. */
  env: NodeJS.ProcessEnv;
  /** Images that were built before, by name. */
  images?: Readonly<Record<string, Stage>>;
}

function parseInstructions(text: string): Instruction[] {
  return text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name, rest] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name: (name as string).toUpperCase(), text: (rest as string).trim() };
    });
}

class Build {
  private readonly stages: Map<string, Stage>;
  private current!: Stage;

  constructor(private readonly options: BuildOptions) {
    this.stages = new Map(Object.entries(options.images ?? {}));
  }

  /** @returns the last stage, which is the image. */
  async run(): Promise<Stage> {
    for (const instruction of parseInstructions(this.options.dockerfile)) await this.follow(instruction);
    return this.current;
  }

  private async follow({ name, text }: Instruction): Promise<void> {
    switch (name) {
      case 'FROM':
        return this.beginStage(text);
      case 'WORKDIR':
        this.current.workingFolder = path.posix.resolve(this.current.workingFolder, text);
        fs.mkdirSync(this.inStage(this.current, '.'), { recursive: true });
        return;
      case 'COPY':
        return this.copy(text);
      case 'ENV':
        return this.setVariables(text);
      case 'RUN':
        await this.runShell(text);
        return;
      case 'CMD':
        this.current.command = JSON.parse(text) as string[];
        return;
      case 'USER':
      case 'EXPOSE':
        return; // say how a container is run, not what is in the image
      default:
        throw new Error(`The Dockerfile has an instruction that this test cannot follow: ${name} ${text}`);
    }
  }

  private beginStage(text: string): void {
    const [, image, name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(text) ?? [];
    const root = path.join(this.options.folder, `stage-${this.stages.size}`);
    const parent = this.stages.get(image as string);
    fs.mkdirSync(root, { recursive: true });
    if (parent) fs.cpSync(parent.root, root, { recursive: true, verbatimSymlinks: true });
    this.current = {
      root,
      workingFolder: parent?.workingFolder ?? '/',
      env: { ...parent?.env },
      command: parent?.command ?? [],
    };
    this.stages.set(name ?? root, this.current);
  }

  private inStage({ root, workingFolder }: Stage, file: string): string {
    return path.join(root, path.posix.resolve(workingFolder, file));
  }

  private copy(text: string): void {
    const words = text.split(/\s+/);
    const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
    const unknown = words.find((word) => word.startsWith('--') && !word.startsWith('--from='));
    if (unknown) throw new Error(`The Dockerfile has an option that this test cannot follow: ${unknown}`);
    const paths = words.filter((word) => !word.startsWith('--'));
    const [sources, target] = [paths.slice(0, -1), paths.at(-1) as string];
    const stage = from === undefined ? undefined : this.stages.get(from);
    if (from !== undefined && !stage) throw new Error(`The Dockerfile copies from an unknown stage: ${from}`);
    for (const source of sources) {
      const file = stage ? this.inStage(stage, source) : path.join(this.options.context, source);
      const isFolder = fs.statSync(file).isDirectory();
      const isIntoFolder = target.endsWith('/') && !isFolder;
      const name = isIntoFolder ? path.posix.join(target, path.basename(source)) : target;
      fs.cpSync(file, this.inStage(this.current, name), { recursive: true, verbatimSymlinks: true });
    }
  }

  private setVariables(text: string): void {
    for (const word of text.split(/\s+/)) {
      const at = word.indexOf('=');
      if (at < 1)
        throw new Error(`The Dockerfile sets a variable in a way that this test cannot follow: ${text}`);
      this.current.env[word.slice(0, at)] = word.slice(at + 1);
    }
  }

  private async runShell(text: string): Promise<void> {
    const { env } = this.current;
    const options = { cwd: this.inStage(this.current, '.'), env: { ...this.options.env, ...env } };
    // npm and tsc say on standard output why they failed.
    await runToEnd('/bin/sh', ['-c', `exec 1>&2; ${text}`], options).catch((error: Error) => {
      throw new Error(`RUN ${text}\n${error.message}`, { cause: error });
    });
  }
}

/** @throws with the instruction that failed and what it printed. */
export const buildImage = (options: BuildOptions): Promise<Stage> => new Build(options).run();
