/* What Debian's Wine 8 lacks of bcryptprimitives.dll: the source of random numbers that Rust's programs use. It fills them
 * from the one that Wine has, RtlGenRandom, which advapi32.dll exports as SystemFunction036. */
#include <stddef.h>

__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, unsigned long length);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *data, size_t length)
{
    while (length > 0) {
        unsigned long part = length > 0x10000 ? 0x10000 : (unsigned long)length;
        if (!SystemFunction036(data, part))
            return 0;
        data += part;
        length -= part;
    }
    return 1;
}
