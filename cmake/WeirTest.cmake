# SPDX-License-Identifier: Apache-2.0
# Tests: one executable per module and per layer, found by folder and labelled for ctest -L.
include(GoogleTest)

# The seconds after which one test is taken for hung.
set(WEIR_TEST_SECONDS_MAX 120)

# Makes a GoogleTest executable and registers each of its tests under the label. The tests are
# listed when ctest runs, so a program that crashes at start fails its tests and not the build.
function(weir_gtest target label)
  cmake_parse_arguments(ARG "" "SECONDS_MAX" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_SECONDS_MAX)
    set(ARG_SECONDS_MAX ${WEIR_TEST_SECONDS_MAX})
  endif()
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE
    weir_compile_options ${ARG_DEPENDS} fmt::fmt GTest::gmock GTest::gtest GTest::gtest_main)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE WEIR_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                               WEIR_BINARY_DIR="${PROJECT_BINARY_DIR}")
  # Names are unique in the whole run: "<module>.<suite>.<test>".
  string(REGEX REPLACE "^weir_(.*)_test$" "\\1." prefix ${target})
  gtest_discover_tests(${target}
    TEST_PREFIX ${prefix}
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${label} TIMEOUT ${ARG_SECONDS_MAX})
endfunction()

# weir_unit_tests(<module>...): tests/unit/<module>/**/*_test.cc becomes weir_<module>_test.
# Other *.cc there are linked in: what the tests of one module share.
function(weir_unit_tests)
  foreach(module IN LISTS ARGN)
    weir_sources(sources tests/unit/${module})
    if(NOT sources)
      continue()
    endif()
    set(depends weir::${module})
    # The harnesses stand on everything, so the lowest modules are tested without them.
    if(NOT module MATCHES "^(base|types|core)$")
      list(APPEND depends weir::testing)
    endif()
    if(module STREQUAL "state")
      list(APPEND depends weir::state_rocksdb)
    endif()
    if(module MATCHES "^(launch|testing)$")
      list(APPEND depends weir::weir)
    endif()
    weir_gtest(weir_${module}_test unit SOURCES ${sources} DEPENDS ${depends})
  endforeach()
endfunction()

# weir_layer_tests(<layer>...): below tests/<layer>/ the *_test.cc become weir_<layer>_test, main.cc
# becomes the program weir_<layer>, and all other *.cc a library for both. Every *_test.sh and
# *_test.py there is a test too: it runs with the build's folder as argument and WEIR_BIN set.
function(weir_layer_tests)
  foreach(layer IN LISTS ARGN)
    set(folder ${PROJECT_SOURCE_DIR}/tests/${layer})
    weir_sources(tests tests/${layer})
    set(shared ${tests})
    list(FILTER tests INCLUDE REGEX "_test\\.cc$")
    list(FILTER shared EXCLUDE REGEX "_test\\.cc$")
    set(depends weir::weir weir::testing CLI11::CLI11)
    if(shared)
      add_library(weir_${layer}_shared STATIC ${shared})
      target_link_libraries(weir_${layer}_shared
        PRIVATE weir_compile_options PUBLIC ${depends} fmt::fmt)
      list(PREPEND depends weir_${layer}_shared)
    endif()
    if(tests)
      weir_gtest(weir_${layer}_test ${layer} SOURCES ${tests} DEPENDS ${depends} SECONDS_MAX 900)
    endif()
    if(EXISTS ${folder}/main.cc)
      add_executable(weir_${layer} ${folder}/main.cc)
      target_link_libraries(weir_${layer} PRIVATE weir_compile_options weir_allocator ${depends})
    endif()
    file(GLOB_RECURSE scripts CONFIGURE_DEPENDS ${folder}/*_test.sh ${folder}/*_test.py)
    foreach(script IN LISTS scripts)
      weir_script_test(${layer} ${script})
    endforeach()
  endforeach()
endfunction()

# weir_example_versions(<folder>): of each <example>.<version>.sed there the program
# <example>_<version>, which is the example as that script changes it.
function(weir_example_versions folder)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/versions)
  file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.sed)
  foreach(script IN LISTS scripts)
    get_filename_component(name ${script} NAME_WLE)
    get_filename_component(example ${script} NAME_WE)
    string(REPLACE "." "_" name ${name})
    set(from ${PROJECT_SOURCE_DIR}/examples/${example}.cc)
    set(to ${PROJECT_BINARY_DIR}/versions/${name}.cc)
    add_custom_command(OUTPUT ${to} COMMAND sed -f ${script} ${from} > ${to}
                       DEPENDS ${script} ${from} VERBATIM)
    add_executable(${name} ${to})
    target_link_libraries(${name} PRIVATE weir_compile_options weir_allocator weir::weir)
  endforeach()
endfunction()

function(weir_script_test label script)
  get_filename_component(name ${script} NAME_WE)
  if(script MATCHES "\\.py$")
    set(command ${Python3_EXECUTABLE} ${script})
  else()
    set(command bash ${script})
  endif()
  add_test(NAME ${label}.${name} COMMAND ${command} ${PROJECT_BINARY_DIR})
  set_tests_properties(${label}.${name} PROPERTIES
    LABELS ${label} TIMEOUT 900 ENVIRONMENT WEIR_BIN=${PROJECT_BINARY_DIR}/bin)
endfunction()

# Each tests/compile/*.cc is compiled alone; its "// expect:" line says what the compiler must say
# in its first error, "// expect-none" that it must say nothing.
function(weir_compile_tests)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/compile/*.cc)
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    add_test(NAME compile.${name}
      COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/compile/compile_check.py
              ${source} -- ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only -Wall -Wextra
              -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/api/include
              -I${PROJECT_SOURCE_DIR}/connectors/include)
    set_tests_properties(compile.${name} PROPERTIES LABELS unit TIMEOUT ${WEIR_TEST_SECONDS_MAX})
  endforeach()
endfunction()

# The style as tests: the rules over the tree, and each rule over a sample that breaks it.
function(weir_tidy_tests)
  set(folder ${PROJECT_SOURCE_DIR}/tests/tidy)
  if(NOT EXISTS ${folder}/tidy.py)
    return()
  endif()
  add_test(NAME tidy.tree COMMAND ${Python3_EXECUTABLE} ${folder}/tidy.py ${PROJECT_SOURCE_DIR})
  add_test(NAME tidy.rules_fail_on_bad_samples
    COMMAND ${Python3_EXECUTABLE} ${folder}/tidy_test.py)
  set_tests_properties(tidy.tree tidy.rules_fail_on_bad_samples PROPERTIES
    LABELS tidy TIMEOUT ${WEIR_TEST_SECONDS_MAX})
endfunction()
