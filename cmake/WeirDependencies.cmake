# SPDX-License-Identifier: Apache-2.0
# Foreign libraries, all from Debian packages (scripts/install-deps lists them), each as a target.
# Their headers are system headers: their warnings are not ours.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(simdjson REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
# Its own CMake file asks for the headers of libraries that we do not use.
pkg_check_modules(ROCKSDB REQUIRED IMPORTED_TARGET rocksdb)

# yaml-cpp 0.7 names its target without a namespace, and forgets its include folder's being system.
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()

# Header-only for us (XXH_INLINE_ALL): no library to link.
find_path(WEIR_XXHASH_INCLUDE xxhash.h REQUIRED)
add_library(xxhash::xxhash INTERFACE IMPORTED)
target_include_directories(xxhash::xxhash SYSTEM INTERFACE ${WEIR_XXHASH_INCLUDE})

# Replaces malloc for a whole executable. Debian has only the shared library, and nothing refers to
# it by name, so the linker must be told to keep it. Sanitizers bring their own malloc.
add_library(weir_allocator INTERFACE)
if(WEIR_WITH_MIMALLOC AND NOT WEIR_SANITIZERS)
  find_package(mimalloc REQUIRED)
  target_link_options(weir_allocator INTERFACE
    -Wl,--push-state,--no-as-needed $<TARGET_FILE:mimalloc> -Wl,--pop-state)
endif()

if(WEIR_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
endif()
if(WEIR_BUILD_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()
