export declare const projectFolder: string;
export declare function requireNode(): void;
export declare function isInstalled(folder: string): boolean;
/** @returns a function that releases the lock. */
export declare function lockCheckout(): Promise<() => void>;
export declare function ensureInstalled(): Promise<void>;
