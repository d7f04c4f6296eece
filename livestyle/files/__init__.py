"""Videos and pictures from files into files, one by one."""
