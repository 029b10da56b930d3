const here = import.meta.url;

/** The address of a file of the page: workers' scripts lie one folder below the page, built or not. */
export const pageAddress = (path: string): string => new URL(`../${path}`, here).href;
