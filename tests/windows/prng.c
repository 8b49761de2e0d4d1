/* bcryptprimitives.dll as Windows 10 has it and Wine 8 does not: Rust's standard library takes its random bytes from there. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
