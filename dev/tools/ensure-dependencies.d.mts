export declare const projectFolder: string;
export declare function requireNode(): void;
export declare function isInstalled(folder: string): boolean;
export declare function ensureInstalled(folder?: string, what?: string): void;
