/** The parts of the File System Access API that the DOM library lacks: not every browser has them. */

interface FilePermission {
  mode?: 'read' | 'readwrite';
}

interface FileSystemHandle {
  queryPermission?(descriptor?: FilePermission): Promise<PermissionState>;
  requestPermission?(descriptor?: FilePermission): Promise<PermissionState>;
}

interface DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

interface Window {
  showDirectoryPicker?(
    options?: FilePermission & { id?: string; startIn?: string },
  ): Promise<FileSystemDirectoryHandle>;
}
