# SPDX-License-Identifier: Apache-2.0
# The compiler's language, warnings, sanitizers, linker and cache.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

# Line tables are enough for stack traces and cost a third of the disk that -g does.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -g1 -DNDEBUG" CACHE STRING "" FORCE)

# What every target of ours is compiled with.
add_library(weir_compile_options INTERFACE)
target_compile_options(weir_compile_options INTERFACE
  -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105651: wrong with std::string and optimisation, mended in 13.
  target_compile_options(weir_compile_options INTERFACE -Wno-restrict)
  # The inlined move of a variant's string is taken for a read of the other alternative.
  target_compile_options(weir_compile_options INTERFACE -Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(weir_compile_options INTERFACE -Wthread-safety)
endif()
if(WEIR_WARNINGS_AS_ERRORS)
  target_compile_options(weir_compile_options INTERFACE -Werror)
endif()
if(WEIR_SANITIZERS)
  # For everything, so that no object is left out.
  add_compile_options(-fsanitize=${WEIR_SANITIZERS} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEIR_SANITIZERS})
  if(WEIR_SANITIZERS MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
endif()

# The fastest linker there is; without one the default does.
find_program(WEIR_MOLD NAMES mold ld.mold)
find_program(WEIR_LLD NAMES ld.lld ld.lld-19)
if(WEIR_MOLD)
  add_link_options(-fuse-ld=mold)
elseif(WEIR_LLD)
  add_link_options(-fuse-ld=lld)
endif()

find_program(WEIR_CCACHE NAMES ccache)
if(WEIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${WEIR_CCACHE})
endif()
