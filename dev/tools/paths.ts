/**
 * Folders of the project: `.syncline/` keeps the data of `npm start`, `.cache/` can be deleted at any time.
 */
import path from 'node:path';

export const projectFolder = path.resolve(__dirname, '../..');
export const cacheFolder = path.join(projectFolder, '.cache');
export const stateFolder = path.join(projectFolder, '.syncline');

/** A path inside `.syncline/`. */
export const inState = (...parts: string[]): string => path.join(stateFolder, ...parts);
