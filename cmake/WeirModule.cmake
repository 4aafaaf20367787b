# SPDX-License-Identifier: Apache-2.0
# Modules, examples and programs: a folder becomes a target, one that is not there becomes none.

# weir_sources(<out> <folder> [EXCLUDE <folder>...])
# Lists the *.cc below the folder, without main.cc and the excluded folders.
function(weir_sources out folder)
  cmake_parse_arguments(ARG "" "" "EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  foreach(excluded IN LISTS ARG_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "^${PROJECT_SOURCE_DIR}/${excluded}/")
  endforeach()
  set(${out} ${sources} PARENT_SCOPE)
endfunction()

# weir_module(<name> [FOLDER <folder>] [EXCLUDE <folder>...] [INCLUDE <folder>]
#             [DEPENDS <target>...] [PRIVATE_DEPENDS <target>...])
# Makes the static library weir_<name>, used as weir::<name>; without sources an interface library.
# INCLUDE is the folder of public headers, included as <weir/...>.
function(weir_module name)
  cmake_parse_arguments(ARG "" "FOLDER;INCLUDE" "EXCLUDE;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  if(NOT ARG_FOLDER)
    set(ARG_FOLDER ${name})
  endif()
  weir_sources(sources ${ARG_FOLDER} EXCLUDE ${ARG_EXCLUDE})
  set(target weir_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE weir_compile_options ${ARG_PRIVATE_DEPENDS})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${target} INTERFACE ${ARG_PRIVATE_DEPENDS})
  endif()
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR})
  if(ARG_INCLUDE)
    target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/${ARG_INCLUDE})
  endif()
  target_link_libraries(${target} ${scope} ${ARG_DEPENDS})
  add_library(weir::${name} ALIAS ${target})
endfunction()

# Makes weir::weir, all that a job needs. execute() is declared in api and defined in launch, so the
# two archives refer to each other. mold and lld do not mind; the default linker reads archives in
# order and must be told to come back, which also makes the tests of api wait for launch.
function(weir_job_library)
  add_library(weir_weir INTERFACE)
  add_library(weir::weir ALIAS weir_weir)
  target_link_libraries(weir_weir INTERFACE weir::launch weir::connectors weir::api)
  if(NOT WEIR_MOLD AND NOT WEIR_LLD)
    target_link_libraries(weir_api INTERFACE weir_launch)
  endif()
endfunction()

# weir_executable(<name> FOLDER <folder> [ONLY_MAIN] [EXCLUDE <folder>] [DEPENDS <target>...])
# Makes a program from all *.cc below the folder, main.cc among them, if there are any; ONLY_MAIN
# from that alone, where the rest is a module.
function(weir_executable name)
  cmake_parse_arguments(ARG "ONLY_MAIN" "FOLDER;EXCLUDE" "DEPENDS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.cc)
  if(ARG_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "^${PROJECT_SOURCE_DIR}/${ARG_EXCLUDE}/")
  endif()
  if(ARG_ONLY_MAIN)
    list(FILTER sources INCLUDE REGEX "^${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/main\\.cc$")
  endif()
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE weir_compile_options weir_allocator ${ARG_DEPENDS})
endfunction()

# weir_examples(FOLDER <folder>)
# Makes one program of each *.cc in the folder, named like the file.
function(weir_examples)
  cmake_parse_arguments(ARG "" "FOLDER" "" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ARG_FOLDER}/*.cc)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE weir_compile_options weir_allocator weir::weir)
  endforeach()
endfunction()
