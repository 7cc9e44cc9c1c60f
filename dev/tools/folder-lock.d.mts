export declare function lockFolder(
  folder: string,
): Promise<{ release: () => void; holder?: never } | { holder: number; release?: never }>;
